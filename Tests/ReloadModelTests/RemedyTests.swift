import ReloadModel
import Testing

/// What a report says about each way in which a load can fail, and what to do.
@Suite struct RemedyTests {
  @Test(
    arguments: [
      (.died, "lib/A.pm could not be loaded.", "Correct it and save"),
      (
        .exited, "The code called exit(9) while it was loading",
        "Let the code die or return instead of leaving, and save"
      ),
      (
        .killed, "The process was killed by signal 9 (SIGKILL) while it was loading",
        "Look at what the file loads last (XS modules, kill, deep recursion), correct it and save"
      ),
      (
        .timedOut, "The code was still loading",
        "Look for an endless loop, correct it and save, or allow more time with "
      ),
      (
        .thread, "lib/A.pm started a thread while it was loading",
        "Start the thread when the first request comes, and save"
      ),
      (
        .notAnApplication, "lib/A.pm did not return an application (a code reference).",
        "Let the file end with the application, such as $app; or sub { ... };, and save"
      ),
      (.system, "Nacre could not build generation 8.", "Put that right and save any file"),
    ] as [(LoadFailure.Cause, String, String)])
  func everyCauseHasAHeadlineAndARemedy(_ cause: LoadFailure.Cause, _ headline: String, _ remedy: String) {
    var failure = LoadFailure(cause: cause, message: "")
    failure.file = "lib/A.pm"
    failure.status = 9
    let report = FailureReport(failure, generation: 8, meanwhile: .serves(generation: 7))
    #expect(report.headline.hasPrefix(headline), "\(report.headline)")
    #expect(report.remedy.hasPrefix(remedy), "\(report.remedy)")
    // Where nothing runs, saving does not help.
    let last = FailureReport(failure, generation: 1, meanwhile: .leaves)
    #expect(last.remedy.contains("tart nacre again") && !last.remedy.contains("save"), "\(last.remedy)")
    #expect(last.standing == "Nothing is running.")
  }
}
