import Testing

@testable import ReloadModel

private let bad = "/srv/oyster-bar/lib/Bad.pm"
private let twoErrors = """
  syntax error at \(bad) line 2, near "= ;"
  Global symbol "$y" requires explicit package name (did you forget to declare "my $y"?) at \(bad) line 3.
  Compilation failed in require at /srv/oyster-bar/app.psgi line 1.
  BEGIN failed--compilation aborted at /srv/oyster-bar/app.psgi line 1.

  """

private let files = [
  bad: "package Bad;\nmy $x = ;\n$y = 1 < 2;\n1;\n", "/srv/oyster-bar/app.psgi": "  use Bad;\nsub { };\n",
]

private func scene(_ failure: LoadFailure) -> FailureScene {
  var scene = FailureScene(of: failure) { files[$0].map { Array($0.utf8) } }
  scene.directories = ["/srv/oyster-bar"]
  scene.time = "14:05:33"
  scene.runningSince = "13:00:00"
  return scene
}

private func report(
  _ failure: LoadFailure, meanwhile: FailureReport.Meanwhile = .answersWithReport(generation: 7)
) -> FailureReport {
  FailureReport(failure, generation: 8, meanwhile: meanwhile, scene: scene(failure))
}

private func page(_ message: String) -> String { FailurePage(report(LoadFailure(perlSays: message))).html }

@Test func pageShowsPerlsWordsThePlaceAndTheSource() {
  let html = page(twoErrors)
  #expect(html.contains("<h1>syntax error, near &quot;= ;&quot;</h1>"))
  #expect(html.contains("lib/Bad.pm could not be loaded."))
  #expect(html.contains("<p id=\"L2\" class=\"here\" aria-current=\"true\"><span>2</span> <code>my $x = ;</code></p>"))
  #expect(html.contains("<p id=\"L1\"><span>1</span> <code>package Bad;</code></p>"))
  #expect(html.contains("<title>syntax error, near &quot;= ;&quot; – lib/Bad.pm:2</title>"))
  #expect(html.contains("<time>14:05:33</time>"))
}

@Test func pageListsAndMarksFurtherErrors() {
  let html = page(twoErrors)
  #expect(html.contains("<a href=\"#L3\">line 3</a> Global symbol &quot;$y&quot; requires explicit package name"))
  #expect(html.contains("<p id=\"L3\" class=\"also\"><span>3</span> <code>$y = 1 &lt; 2;</code></p>"))
}

@Test func pageShowsTheWayThereFromTheApplicationOn() throws {
  let html = page(twoErrors)
  let first = try #require(html.firstRange(of: "app.psgi:1</span> <code>use Bad;</code>"))
  let second = try #require(html.firstRange(of: "lib/Bad.pm:2</span> <code>my $x = ;</code></li>"))
  #expect(first.lowerBound < second.lowerBound)
}

@Test func pathsAreShownShortAndCopiedWhole() {
  #expect(page(twoErrors).contains("<span class=\"path\"><span>/srv/oyster-bar/</span>lib/Bad.pm:2</span>"))
  #expect(page("x at /elsewhere/A.pm line 3.").contains("<span class=\"path\">/elsewhere/A.pm:3</span>"))
}

@Test func pageTellsWhatStillRuns() {
  func tells(_ meanwhile: FailureReport.Meanwhile) -> String {
    FailurePage(report(LoadFailure(perlSays: twoErrors), meanwhile: meanwhile)).html
  }
  #expect(tells(.answersWithReport(generation: 7)).contains("Generation 7, running since 13:00:00, is kept"))
  #expect(tells(.answersWithReport(generation: nil)).contains("No generation has loaded yet."))
}

@Test(arguments: [
  LoadFailure(cause: .exited, file: bad, line: 2, message: "", status: 3),
  LoadFailure(cause: .killed, file: bad, line: 2, message: "", status: 11),
  LoadFailure(cause: .timedOut, file: bad, line: 2, message: "", status: 30),
  LoadFailure(cause: .thread, file: bad, line: 2, message: ""),
])
func everyCauseHasTheSameForm(failure: LoadFailure) {
  let html = FailurePage(report(failure)).html
  let headline = report(failure).headline(showing: { _ in "lib/Bad.pm" })
  #expect(html.contains("<h1>\(headline)</h1>"))
  #expect(html.contains("class=\"here\" aria-current=\"true\"><span>2</span>"))
  #expect(html.contains(HTML.escape(report(failure).remedy)))
}

@Test func fileThatReturnsNoApplicationIsShownAtItsEnd() {
  let failure = LoadFailure(cause: .notAnApplication, file: "/srv/oyster-bar/app.psgi", message: "")
  #expect(report(failure).scene.excerpt?.markedText == "sub { };")
}

@Test func pageEscapesEverythingAndFetchesNothing() {
  let html = page("<script>alert('x')</script> & \"\u{1b}[31m at /srv/<b>.pm line 3.\n")
  #expect(!html.contains("<script"))
  #expect(!html.contains("<b>"))
  #expect(!html.contains("\u{1b}"))
  #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;"))
  #expect(html.contains("/srv/&lt;b&gt;.pm:3"))
  let links = html.replacing(FailurePage.icon, with: "")
  #expect(!links.contains("http:") && !links.contains("https:") && !links.contains("src=") && !links.contains("url("))
}

@Test func policyNamesTheNonceOfScriptAndStyleAndNothingElse() {
  let stream = FailurePage.Stream(path: "/.nacre/events", state: "failed a-1")
  let html = FailurePage(report(LoadFailure(perlSays: twoErrors)), stream: stream, nonce: "abc1").html
  #expect(html.contains("<script nonce=\"abc1\">") && html.contains("<style nonce=\"abc1\">"))
  #expect(!html.contains("<script>") && !html.contains("<style>") && !html.contains("style="))
  #expect(FailurePage.policy(nonce: "abc1").contains("script-src 'nonce-abc1'; style-src 'nonce-abc1'; "))
}

@Test func scriptKnowsTheStreamAndWhetherAFormWasSent() {
  let stream = FailurePage.Stream(path: "/.nacre/events", state: "failed a-1")
  let report = report(LoadFailure(perlSays: twoErrors))
  let html = FailurePage(report, stream: stream).html
  #expect(html.contains("<body data-stream=\"/.nacre/events\" data-state=\"failed a-1\">"))
  #expect(!html.contains("send the form again"))
  let form = FailurePage(report, stream: stream, isForm: true).html
  #expect(form.contains("data-form>") && form.contains("send the form again"))
}

@Test func scriptAndStyleHoldNothingThatWouldEndThem() {
  #expect(!FailurePage.script.contains("</") && !FailurePage.style.contains("</"))
  #expect(!FailurePage.script.contains("<!--"))
}

@Test func whereModulesWereLookedForIsNotInTheHeadline() {
  let html = page(
    "Can't locate No/Such.pm in @INC (you may need to install the No::Such module) (@INC contains: lib /etc/perl) "
      + "at \(bad) line 2.\n")
  #expect(html.contains("<h1>Can&#39;t locate No/Such.pm in @INC (you may need to install the No::Such module)</h1>"))
  #expect(html.contains("<pre class=\"said\">(@INC contains: lib /etc/perl)</pre>"))
}

@Test(
  arguments: [
    ("bad at /a.pm line 3.", ["bad 3"]), ("bad", ["bad -"]), ("", []),
    ("one\n  two\n at /a.pm line 3.", ["one/  two 3"]),
    (
      "syntax error at /a.pm line 2, near \"x\n  y\"\nother at /a.pm line 4.",
      ["syntax error, near \"x/  y\" 2", "other 4"]
    ),
    ("in data at /a.pm line 7, <DATA> line 1.", ["in data, <DATA> line 1. 7"]),
    ("hm at /a.pm line 1.\n\tMy::f(1) called at /b.pm line 2", ["hm 1", "My::f(1) called 2"]),
    ("bad at /a.pm line 3.\n/a.pm had too many errors.\n", ["bad 3", "/a.pm had too many errors. -"]),
  ])
func messageIsTakenApart(message: String, expected: [String]) {
  let problems = FailureProblem.list(message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
  #expect(
    problems.map { "\($0.lines.joined(separator: "/")) \($0.place.map { "\($0.line)" } ?? "-")" } == expected)
}

@Test func filesThatPerlNamesRelativelyAreFound() {
  var failure = LoadFailure(perlSays: "x at lib/Bad.pm line 2.\ny at ./lib/Bad.pm line 3.\n")
  failure.file = bad
  #expect(FailureReport.places(in: failure) == [.init(file: bad, line: 2), .init(file: bad, line: 3)])
  #expect(scene(failure).excerpt?.lines.filter { $0.mark == .further }.map(\.number) == [3])
}

@Test func textReportShowsTheSource() {
  #expect(
    report(LoadFailure(perlSays: twoErrors)).text == """
      \(bad) could not be loaded.
      at \(bad):2

      syntax error at \(bad) line 2, near "= ;"
      Global symbol "$y" requires explicit package name (did you forget to declare "my $y"?) at \(bad) line 3.

        1 | package Bad;
      > 2 | my $x = ;
      > 3 | $y = 1 < 2;
        4 | 1;

      used at /srv/oyster-bar/app.psgi:1

      Correct it and save. Requests get this report until then; generation 7 is kept, and putting the old content back \
      brings it back at once.

      """)
}

@Test func terminalReportShowsTheLine() {
  #expect(
    report(LoadFailure(perlSays: twoErrors)).terminal.hasPrefix(
      "nacre: generation 8 rejected. \(bad) could not be loaded.\n  at \(bad):2\n     my $x = ;\n  | syntax error"))
}
