/* The web tag: tells the tracking server what a visitor of the site does.
 *
 * Nothing is stored and nothing is sent when the browser asks not to be tracked (Global Privacy
 * Control, Do Not Track) or the visitor has opted out. docs/guides/site.md describes attributes,
 * calls and what goes over the wire. tools/pack-tag leaves out comments (they stand on lines of
 * their own) and indentation; what is delivered must stay under 5 KB. */
(function (w, d, n, l) {
  'use strict';
  var script = d.currentScript, set = script ? script.dataset : {};
  var url = set.endpoint || (script ? script.src.replace(/[^/]*$/, 'e') : '');
  var files = new RegExp('\\.(' + (set.files || 'pdf|zip|gz|7z|rar|docx?|xlsx?|pptx?|csv|epub|mp[34]|dmg|exe|msi|apk') + ')$', 'i');
  var queue = [], timer, token, page, reached, before = w.hayauma, digits = '0123456789abcdefghijklmnopqrstuv';

  /* Storage may be forbidden: then there is none. */
  function kept(area, name, value) {
    try {
      area = w[area + 'Storage'];
      if (value) area[name] = value;
      else if (value === 0) delete area[name];
      return area[name];
    } catch (e) {}
  }
  function refused() {
    return n.globalPrivacyControl || n.doNotTrack == 1 || kept('local', 'hy_no');
  }

  /* Who: a random number, whose token of a mail came last, which address was claimed last. */
  function read() {
    var c = 'cookieless' in set ? kept('session', 'hy') : (/(?:^|; )hy=([^;]*)/.exec(d.cookie) || [])[1];
    return /^[0-9a-v]{13}\./.test(c) ? c.split('.') : write(fresh());
  }
  function fresh() {
    for (var b = crypto.getRandomValues(new Uint8Array(13)), i = 0, s = ''; i < 13; i++) s += digits[b[i] & (i ? 31 : 15)];
    return [s, '', ''];
  }
  function write(v, age) {
    if ('cookieless' in set) kept('session', 'hy', age === 0 ? 0 : v.join('.'));
    else d.cookie = 'hy=' + v.join('.') + ';path=/;SameSite=Lax;max-age=' + (age === 0 ? 0 : (set.days || 395) * 86400) +
      (set.domain ? ';domain=' + set.domain : '') + (l.protocol == 'https:' ? ';Secure' : '');
    return v;
  }
  /* Somebody else at this browser begins as a new visitor. */
  function become(at, key) {
    var v = read();
    if (v[at] && v[at] != key) v = fresh();
    if (v[at] != key) v[at] = key, write(v);
  }
  function hash(s) {
    for (var i = 0, h = 7; i < s.length; i++) h = h * 31 + s.charCodeAt(i) | 0;
    return (h >>> 0).toString(36);
  }
  /* The lead stands behind nine bytes of the token, in as many bytes as have their upper bit set, and one. */
  function lead(t) {
    try {
      var b = atob(t.replace(/-/g, '+').replace(/_/g, '/')), i = 9;
      while (b.charCodeAt(i++) > 127);
      return hash(b.slice(9, i));
    } catch (e) {}
  }
  /* The token leaves the address bar whether or not it is used. */
  function arrive() {
    var href = l.href.replace(/([?&])hy=([\w-]{20,60})(?:&|(?=#)|$)/, function (all, mark, t) {
      token = t;
      return mark;
    }).replace(/[?&](?=#|$)/, '');
    if (token) history.replaceState(history.state, '', href);
  }
  function know() {
    if (refused()) return;
    token = kept('session', 'hyt', token);
    if (token) become(1, lead(token));
  }

  function send() {
    if (!queue.length || refused()) return;
    var now = Date.now();
    queue.forEach(function (e) { e.a = now - e.a; });
    var text = JSON.stringify({v: 1, i: read()[0], t: token, e: queue});
    queue = [];
    timer = clearTimeout(timer);
    if (!(n.sendBeacon && n.sendBeacon(url, text)))
      fetch(url, {method: 'POST', body: text, mode: 'no-cors', credentials: 'omit', keepalive: true}).catch(function () {});
  }
  function note(kind, e) {
    if (refused()) return;
    e.k = kind;
    e.u = e.u || here();
    e.a = Date.now();
    if (queue.push(e) > 19) send();
    else timer = timer || setTimeout(send, 1000);
  }
  function cut(s) { return s && ('' + s).slice(0, 200); }
  function attr(e, name) { return e.getAttribute('data-hayauma-' + name); }
  function last(path) { return path.split(/[?#]/)[0].split('/').pop(); }
  function here() { return ('hash' in set ? l.href : l.href.split('#')[0]).slice(0, 2000); }

  function view() {
    var key = d.querySelector('[data-hayauma-key]'), from = page || d.referrer;
    page = here();
    reached = 0;
    note('page', {n: cut(d.title), r: from.split(/[?#]/)[0].slice(0, 500)});
    if (key) note('key', {n: cut(attr(key, 'key'))});
  }
  /* Titles of pages that are one application change a moment behind their address. */
  function moved() { setTimeout(function () { if (page && here() != page) view(); }, 50); }
  function wrap(name) {
    var f = history[name];
    history[name] = function () {
      var r = f.apply(this, arguments);
      moved();
      return r;
    };
  }

  function on(target, types, f) {
    types.split(' ').forEach(function (t) { target.addEventListener(t, function (e) { try { f(e); } catch (x) {} }, true); });
  }
  function clicked(e) {
    var a = e.target.closest && e.target.closest('a[href],area[href]');
    if (a && e.button < 2 && (a.hasAttribute('download') || files.test(a.pathname)))
      note('download', {u: a.href.slice(0, 2000), n: cut(decodeURIComponent(last(a.pathname)))});
  }
  function scrolled() {
    var e = d.documentElement, p = Math.min(4, (w.scrollY + w.innerHeight + 2) / e.scrollHeight * 4 | 0);
    while (page && reached < p) note('scroll', {p: ++reached * 25});
  }
  /* Names of fields, never what was typed; the address only of forms that are marked. */
  function posted(e) {
    var f = e.target, names = [], mark = attr(f, 'identify'), mail;
    [].forEach.call(f.elements, function (x) {
      if (x.name && names.indexOf(x.name) < 0 && names.length < 40) names.push(x.name.slice(0, 60));
      if (mark != null && x.value && (mark ? x.name == mark : x.type == 'email')) mail = x.value;
    });
    note('form', {n: cut(attr(f, 'form') || f.getAttribute('id') || f.getAttribute('name') || 'form'), m: {fields: names}});
    if (mail) identify(mail);
    send();
  }
  function identify(mail) {
    mail = mail.trim().toLowerCase();
    if (refused() || !/^[^\s@]+@[^\s@]+$/.test(mail)) return;
    become(2, hash(mail));
    note('identify', {n: mail.slice(0, 254)});
  }
  function played(e) {
    var v = e.target, half = e.type == 'ended' ? 2 : e.type == 'play' ? 0 : v.currentTime * 2 / v.duration | 0;
    if (v.tagName != 'VIDEO') return;
    if (v.hySrc != v.currentSrc) v.hySrc = v.currentSrc, v.hyAt = -1;
    for (; v.hyAt < half; ) note('video', {n: cut(attr(v, 'video') || v.title || last(v.hySrc)), p: ++v.hyAt * 50});
  }

  w.hayauma = function (what, a, b) {
    if (what == 'event') note('custom', {n: cut(a), m: b});
    else if (what == 'identify' && a && a.email) identify('' + a.email);
    else if (what == 'page') view();
    else if (what == 'visitor') return refused() ? '' : read()[0];
    else if (what == 'reset' || what == 'optout') {
      send();
      token = kept('session', 'hyt', 0);
      write(read(), 0);
      if (what == 'optout') kept('local', 'hy_no', '1');
    } else if (what == 'optin') kept('local', 'hy_no', 0);
    else if (what == 'start') start();
  };

  function start() {
    if (page) return;
    know();
    view();
    wrap('pushState');
    wrap('replaceState');
    on(w, 'popstate hashchange', moved);
    on(d, 'click auxclick', clicked);
    on(w, 'scroll', scrolled);
    on(d, 'submit', posted);
    on(d, 'play timeupdate ended', played);
    on(d, 'visibilitychange', function () { if (d.hidden) send(); });
    on(w, 'pagehide', send);
  }
  function ready() {
    arrive();
    if (before && before.q) before.q.forEach(function (args) { w.hayauma.apply(w, args); });
    if (!('wait' in set)) start();
  }
  if (d.prerendering) d.addEventListener('prerenderingchange', ready);
  else if (d.readyState == 'loading') d.addEventListener('DOMContentLoaded', ready);
  else ready();
})(window, document, navigator, location);
