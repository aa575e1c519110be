import ReloadModel
import Testing

@Suite struct PatchReportTests {
  @Test func whatPerlIsToldNamesEachField() {
    var report = PatchReport()
    report.reloaded = ["A.pm", "B.pm"]
    report.refusals = [PatchReport.Refusal(key: "C.pm", reason: "C has XS code")]
    report.failure = LoadFailure(cause: .died, file: "lib/A.pm", line: 3, message: "no")
    (report.examining, report.loading, report.settling) = (1_020, 7, 0)
    let fields = report.described.split(separator: "\0", omittingEmptySubsequences: false)
    #expect(
      fields == [
        "reloaded\u{1}A.pm\u{1}B.pm", "loaded", "waiting", "constants", "scripts", "refused\u{1}C.pm\u{1}C has XS code",
        "milliseconds\u{1}1.020\u{1}0.007\u{1}0.000", "failed\u{1}lib/A.pm\u{1}3\u{1}no",
      ])
  }

  @Test func theNewCodeRunsUnlessSomethingSpeaksAgainstIt() {
    var report = PatchReport()
    #expect(report.isDone)
    report.waiting = ["A.pm"]
    #expect(!report.isDone)
  }
}
