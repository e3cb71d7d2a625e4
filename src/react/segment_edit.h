/* What the keeping of segments shares with their making. */
#pragma once
#include "hayauma/react/segment_edit.h"

/* Reads the attempts for segments that ask for mail. */
#define SEGMENT_MAIL_READER "segments"
