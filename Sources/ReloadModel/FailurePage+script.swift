extension FailurePage {
  /// Listens to the stream and loads the page again when the code has changed.
  ///
  /// The stream begins with how things stand now, so nothing is missed that happened since the page was sent. It is
  /// given up while nobody sees the page: browsers open only six connections to a server, for all tabs together.
  static let script = """
    (function () {
      'use strict';
      var page = document.body.dataset, note = document.getElementById('note'), form = document.getElementById('form');
      var source = null;
      function say(text, live) { note.textContent = text; note.className = live ? 'live' : ''; }
      function changed(text) {
        close();
        if (!form) { location.reload(); return; }
        say(text); form.hidden = false;
      }
      function close() { if (source) { source.close(); source = null; } }
      function told(event) {
        if (event.data === page.state) say('This page reloads itself when you have saved.', true);
        else if (event.data === 'loading') say('Loading what was saved …', true);
        else changed(event.data === 'good' ? 'The code is good again.' : 'The code has changed, and fails in another way.');
      }
      function failed() {
        if (source.readyState !== EventSource.CLOSED) { say('Nacre is not there. Waiting for it …'); return; }
        close();
        // Another server, or something in between. Once is enough to see what there is now.
        var way = performance.getEntriesByType('navigation')[0];
        if (way && way.type === 'navigate') changed('The server has changed.');
        else say('Reload this page when you have saved.');
      }
      function open() {
        if (source || document.hidden || !window.EventSource || (form && !form.hidden)) return;
        source = new EventSource(page.stream);
        source.onmessage = told;
        source.onerror = failed;
      }
      document.addEventListener('visibilitychange', function () { if (document.hidden) close(); else open(); });
      addEventListener('pagehide', close);
      addEventListener('pageshow', open);
      open();
      if (form) {
        document.getElementById('again').onclick = function () { location.reload(); };
        document.getElementById('anew').onclick = function () { location.replace(location.pathname + location.search); };
      }
      var copy = document.querySelector('[data-copy]');
      if (copy && navigator.clipboard) {
        copy.hidden = false;
        copy.onclick = function () {
          navigator.clipboard.writeText(copy.dataset.copy).then(function () { copy.textContent = 'copied'; });
        };
      }
    })();
    """
}
