import ReloadModel
import Testing

private func place(_ message: String) -> String {
  let diagnosis = Diagnosis(message)
  return "\(diagnosis.file):\(diagnosis.line)"
}

private let syntaxError = """
  syntax error at lib/My/Bad.pm line 2, near "= ;"
  Global symbol "$y" requires explicit package name (did you forget to declare "my $y"?) at lib/My/Bad.pm line 3.
  Compilation failed in require at lib/My/App.pm line 3.
  BEGIN failed--compilation aborted at lib/My/App.pm line 3.
  Compilation failed in require at ./app.psgi line 1.
  BEGIN failed--compilation aborted at ./app.psgi line 1.

  """

@Test func syntaxErrorIsPlacedAtItsFirstLocation() {
  #expect(place(syntaxError) == "lib/My/Bad.pm:2")
}

@Test func chainGoesFromTheApplicationToThePlace() {
  #expect(
    Diagnosis(syntaxError).chain == [
      .init(file: "./app.psgi", line: 1), .init(file: "lib/My/App.pm", line: 3), .init(file: "lib/My/Bad.pm", line: 2),
    ])
}

@Test(
  arguments: [
    ("no such thing at home line 4, sorry at lib/A.pm line 1.", "lib/A.pm:1"),
    ("in data at lib/A.pm line 7, <DATA> line 1.", "lib/A.pm:7"),
    ("Missing right curly or square bracket at lib/A.pm line 3, at end of line", "lib/A.pm:3"),
    ("syntax error at lib/A.pm line 3, near \"die at home line 9.\"", "lib/A.pm:3"),
    ("Can't locate Not/There.pm in @INC (@INC contains: lib /etc/perl) at lib/A.pm line 5.", "lib/A.pm:5"),
    ("a b at /srv/my app/A.pm line 12.", "/srv/my app/A.pm:12"),
    ("hm at lib/A.pm line 1.\n\tMy::f(1) called at lib/B.pm line 2", "lib/A.pm:1"),
    ("My/Bad.pm did not return a true value at lib/A.pm line 3.", "lib/A.pm:3"),
    ("first line\nsecond line at lib/A.pm line 3.", "lib/A.pm:3"),
    ("nothing to see", ":0"), ("", ":0"), ("looking at the line 3 or line x", ":0"),
    ("at lib line 99999999999999999999.", ":0"),
  ])
func messageIsPlaced(message: String, expected: String) {
  #expect(place(message) == expected)
}

@Test func evalOfAStringIsPassedOverForTheFileAroundIt() {
  let message = """
    x at (eval 12) line 3.
    BEGIN failed--compilation aborted at lib/Bad.pm line 4.
    Compilation failed in require at app.psgi line 1.
    """
  let diagnosis = Diagnosis(message)
  #expect(diagnosis.file == "lib/Bad.pm")
  #expect(diagnosis.line == 4)
  #expect(diagnosis.chain == [.init(file: "app.psgi", line: 1), .init(file: "lib/Bad.pm", line: 4)])
}

@Test func failureIsReadFromTheMessage() {
  let failure = LoadFailure(perlSays: syntaxError)
  #expect(failure.cause == .died)
  #expect(failure.file == "lib/My/Bad.pm")
  #expect(failure.line == 2)
  #expect(failure.message == syntaxError)
}

@Test func terminalReportNamesEverything() {
  let report = FailureReport(LoadFailure(perlSays: syntaxError), generation: 8, meanwhile: .serves(generation: 7))
  #expect(
    report.terminal == """
      nacre: generation 8 rejected. lib/My/Bad.pm could not be loaded.
        at lib/My/Bad.pm:2
        | syntax error at lib/My/Bad.pm line 2, near "= ;"
        | Global symbol "$y" requires explicit package name (did you forget to declare "my $y"?) at lib/My/Bad.pm line 3.
        used at lib/My/App.pm:3
        used at ./app.psgi:1
        Correct it and save. Generation 7 keeps running.

      """)
}

@Test func everyCauseHasItsSentence() {
  func headline(_ failure: LoadFailure) -> String {
    FailureReport(failure, generation: 2, meanwhile: .leaves).headline
  }
  #expect(
    headline(LoadFailure(cause: .exited, file: "/a.pm", message: "", status: 3))
      == "The code called exit(3) while it was loading /a.pm.")
  #expect(
    headline(LoadFailure(cause: .killed, file: "/a.pm", message: "", status: 11))
      == "The process was killed by signal 11 (SIGSEGV) while it was loading /a.pm.")
  #expect(
    headline(LoadFailure(cause: .timedOut, message: "", status: 30)) == "The code was still loading after 30 seconds.")
  #expect(headline(LoadFailure(cause: .thread, file: "/a.pm", message: "")).hasPrefix("/a.pm started a thread"))
  #expect(
    headline(LoadFailure(cause: .notAnApplication, file: "/app.psgi", message: ""))
      == "/app.psgi did not return an application (a code reference).")
  #expect(headline(LoadFailure(cause: .system, message: "fork: no memory")) == "Nacre could not build generation 2.")
}

@Test func textReportIsPlain() {
  let report = FailureReport(
    LoadFailure(perlSays: "bad at /a.pm line 3.\n"), generation: 1, meanwhile: .answersWithReport(generation: nil))
  #expect(
    report.text == """
      /a.pm could not be loaded.
      at /a.pm:3

      bad at /a.pm line 3.

      Correct it and save. Requests get this report until then.

      """)
}
