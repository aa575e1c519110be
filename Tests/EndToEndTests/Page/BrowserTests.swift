import Foundation
import Testing

/// The error page in a real browser.
@Suite(.lane, .slow, .enabled(if: Browser.problem == nil, Comment(rawValue: Browser.problem ?? "")))
struct BrowserTests {
  private func page(_ word: String) -> String {
    """
    use strict; use warnings; use Part;
    my $count = 0;
    sub {
      my $env = shift;
      return [204, [], []] if $env->{PATH_INFO} eq '/favicon.ico';
      my $body = '';
      read $env->{'psgi.input'}, $body, $env->{CONTENT_LENGTH} || 0;
      [200, ['Content-Type' => 'text/html'], ["<!DOCTYPE html><p>$env->{REQUEST_METHOD} \(word) ", Part::word(), " $body
        <form method=post action=/form><input name=field value=pearl><button id=send>send</button></form>"]];
    };
    """
  }

  private func part(_ word: String) -> String { "package Part;\nuse strict;\nsub word { '\(word)' }\n1;\n" }
  private let broken = "package Part;\nuse strict;\nsub word { $misspelt }\n1;\n"
  private let brokenOtherwise = "package Part;\nuse strict;\nsub word { 'no end }\n1;\n"

  /// Serves an application that works, and a browser that has opened it.
  private func browse(_ body: (Site, Server, Browser, String) throws -> Void) throws {
    let site = try Site(["app.psgi": page("says"), "lib/Part.pm": part("pearl")])
    try site.serve { server in
      let browser = try Browser()
      defer { browser.quit() }
      let address = "http://127.0.0.1:\(server.port)"
      try browser.open(address + "/some/page?and=query")
      try browser.expectToShow("GET says pearl")
      try body(site, server, browser, address)
    }
  }

  /// Breaks the code and lets the browser find out.
  private func breakIt(_ site: Site, _ server: Server, _ browser: Browser) throws {
    try site.write("lib/Part.pm", broken)
    try browser.call("Page.reload")
    try browser.expectToShow("Global symbol \"$misspelt\"")
  }

  @Test func pageComesBackByItselfWhenTheCodeIsGood() throws {
    try browse { site, server, browser, address in
      try breakIt(site, server, browser)
      try browser.expectToShow("This page reloads itself")
      try site.write("lib/Part.pm", part("better"))
      try browser.expectToShow("GET says better")
      #expect(try browser.evaluate("location.href") as? String == address + "/some/page?and=query")
    }
  }

  @Test func pageComesBackWhenTheOldContentIs() throws {
    try browse { site, server, browser, _ in
      try breakIt(site, server, browser)
      try browser.expectToShow("This page reloads itself")
      try site.write("lib/Part.pm", part("pearl"))
      try browser.expectToShow("GET says pearl")
    }
  }

  @Test func pageShowsTheNextErrorByItself() throws {
    try browse { site, server, browser, _ in
      try breakIt(site, server, browser)
      try site.write("lib/Part.pm", brokenOtherwise)
      try browser.expectToShow("Can't find string terminator")
      try site.write("lib/Part.pm", part("better"))
      try browser.expectToShow("GET says better")
    }
  }

  @Test func repairBeforeTheStreamBeginsIsNotMissed() throws {
    try browse { site, server, browser, _ in
      // The page is there, and its script has not run: as if the repair came just now.
      try browser.call("Emulation.setScriptExecutionDisabled", ["value": true])
      try site.write("lib/Part.pm", broken)
      try browser.call("Page.reload")
      #expect(try eventually { try browser.evaluate("document.title") as? String ?? "" != "" }, "\(server)")
      // Not the browser's own text of it: browsers show no nonces.
      let html = try server.ask(headers: ["Accept: text/html"]).text
      try site.write("lib/Part.pm", part("better"))
      #expect(try server.text().contains("better"))
      try browser.call("Emulation.setScriptExecutionDisabled", ["value": false])
      // The same page once more, from its text, as a late page arrives.
      let literal = String(decoding: try JSONSerialization.data(withJSONObject: [html]), as: UTF8.self)
      _ = try browser.evaluate("document.open(); document.write(\(literal)[0]); document.close()")
      try browser.expectToShow("GET says better")
    }
  }

  @Test func pageOutlivesTheServer() throws {
    let site = try Site(["app.psgi": page("says"), "lib/Part.pm": broken])
    let browser = try Browser()
    defer { browser.quit() }
    var port: UInt16 = 0
    try site.serve { server in
      port = server.port
      try browser.open("http://127.0.0.1:\(port)/")
      try browser.expectToShow("This page reloads itself")
    }
    try browser.expectToShow("Waiting for it")
    try site.write("lib/Part.pm", part("pearl"))
    var options = ServerOptions.development
    options.port = port
    try site.serve(options) { server in
      try browser.expectToShow("GET says pearl")
    }
  }

  @Test func formIsSentAgainOnlyWhenAskedFor() throws {
    try browse { site, server, browser, address in
      try site.write("lib/Part.pm", broken)
      _ = try browser.evaluate("document.getElementById('send').click()")
      try browser.expectToShow("Global symbol \"$misspelt\"")
      try browser.expectToShow("This page reloads itself")
      try site.write("lib/Part.pm", part("better"))
      try browser.expectToShow("The code is good again.")
      #expect(try browser.text().contains("Global symbol"), "the page stays until a person decides")
      _ = try browser.evaluate("document.getElementById('anew').click()")
      try browser.expectToShow("GET says better")
      #expect(try browser.evaluate("location.href") as? String == address + "/form")
    }
  }

  @Test func policyLetsStyleAndScriptThroughAndNothingElse() throws {
    try browse { site, server, browser, _ in
      try breakIt(site, server, browser)
      #expect(
        try browser.evaluate("getComputedStyle(document.querySelector('.here span')).fontWeight") as? String == "700")
      let image =
        "new Promise(done => { let i = new Image; i.onerror = () => done('no'); i.onload = () => done('yes'); "
        + "i.src = '/favicon.ico' })"
      let answer = try browser.call("Runtime.evaluate", ["expression": image, "awaitPromise": true])
      #expect((answer["result"] as? [String: Any])?["value"] as? String == "no")
    }
  }
}
