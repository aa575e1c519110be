import FoundationEssentials
import Supervision

/// Documents of the control API as a person reads them on a terminal.

/// How long something takes or has taken.
enum Duration {
  /// `9 ms`, `1.2 s`
  static func text(milliseconds: Double) -> String {
    if milliseconds < 10 { return "\(oneDigit(milliseconds)) ms" }
    if milliseconds < 1000 { return "\(Int(milliseconds.rounded())) ms" }
    return "\(oneDigit(milliseconds / 1000)) s"
  }

  /// `12 s`, `5 min`, `2 h 5 min`, `3 d 4 h`
  static func text(seconds: Int) -> String {
    switch seconds {
    case ..<60: "\(max(0, seconds)) s"
    case ..<3600: "\(seconds / 60) min"
    case ..<86400: seconds % 3600 < 60 ? "\(seconds / 3600) h" : "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    default: seconds % 86400 < 3600 ? "\(seconds / 86400) d" : "\(seconds / 86400) d \(seconds % 86400 / 3600) h"
    }
  }

  /// How long ago a time of the API is; nil if it is none.
  static func since(_ time: String) -> String? {
    guard let date = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time) else { return nil }
    return text(seconds: Int(Date().timeIntervalSince(date)))
  }

  /// The time of day of a time of the API, here.
  static func clock(_ time: String) -> String {
    guard let date = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time) else { return time }
    return LocalTime.text(Int(date.timeIntervalSince1970))
  }

  private static func oneDigit(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}

extension ControlDocument.Reload {
  /// `rewind in 9 ms`
  var wayAndTime: String { way + (phases.total.map { " in " + Duration.text(milliseconds: $0) } ?? "") }

  /// `lib/My/App.pm, app.psgi and 3 more`
  var fileList: String {
    let names = files.prefix(3).map(shown)
    return names.joined(separator: ", ") + (files.count > 3 ? " and \(files.count - 3) more" : "")
  }

  /// What happened, as one sentence without a full stop.
  var sentence: String {
    switch verdict {
    case "promoted" where way == "roll back":
      "generation \(generation) by roll back: the code of generation \(loadedAs) again"
    case "promoted" where way == "respawn" && files.isEmpty:
      "generation \(generation) by \(wayAndTime): new workers, nothing had changed"
    case "promoted": "generation \(generation) by \(wayAndTime)" + (files.isEmpty ? "" : ": " + fileList)
    case "rejected": "generation \(generation) rejected. " + shortened(error?.sentence ?? "")
    case "void": "generation \(generation) given up: the disk changed while it was being built"
    default: "generation \(generation) by \(way)" + (files.isEmpty ? " (\(trigger))" : ": " + fileList)
    }
  }
}

extension ControlDocument.Failure {
  /// Place, perl's message and the way there, indented.
  var details: [String] {
    var lines: [String] = []
    if let file { lines.append("at \(shown(file))" + (line.map { ":\($0)" } ?? "")) }
    let message = message.split(separator: "\n").filter {
      !$0.hasPrefix("BEGIN failed--compilation aborted at ") && !$0.hasPrefix("Compilation failed in require at ")
    }
    lines += message.map { "| \($0)" }
    for step in chain.reversed() where step.file != file || step.line != line {
      lines.append("used at \(shown(step.file)):\(step.line)")
    }
    return lines
  }
}

/// How a reload or a roll back went.
struct OutcomeText {
  let lines: [String]

  init(_ outcome: ControlDocument.Outcome) {
    let generation = outcome.generation.map { "\($0)" } ?? "none"
    switch outcome.outcome {
    case "promoted": lines = [outcome.reload?.sentence ?? "generation \(generation)"]
    case "forgiven": lines = ["the files of generation \(generation) are back, and it goes on"]
    case "resumed": lines = ["generation \(generation) answers again in place of the failure"]
    case "rejected":
      lines =
        [outcome.reload?.sentence ?? outcome.error ?? "rejected"]
        + (outcome.reload?.error?.details ?? []).map { "  " + $0 }
        + (outcome.generation.map { ["  Generation \($0) is still there."] } ?? [])
    default: lines = [outcome.error ?? outcome.outcome]
    }
  }
}

/// One line, or a few, for each event.
struct EventText {
  let lines: [String]

  init(_ event: ControlDocument.Event) {
    let time = Duration.clock(event.at) + "  "
    switch event.event {
    case "promoted", "rollback", "void", "rejected":
      let text = event.reload?.sentence ?? event.text ?? event.event
      let indent = String(repeating: " ", count: time.count + 2)
      lines = [time + text] + (event.reload?.error?.details ?? []).map { indent + $0 }
    case "reload": lines = [time + "loading: " + (event.reload?.sentence ?? "")]
    case "worker-died": lines = [time + "worker \(event.pid ?? 0) \(event.text ?? "died")"]
    case "stopping": lines = [time + "stopping"]
    default: lines = [time + (event.text ?? event.event)]
    }
  }
}

/// What a change of a file would lead to.
struct WhyText {
  let lines: [String]

  init(_ why: ControlDocument.Why) {
    let file = shown(why.file)
    switch why.role {
    case "loaded", "met":
      lines = Self.reload(why, file) + Self.chains(why)
    case "lazily":
      lines = [
        "\(file): a change means new workers of the same code (respawn).",
        "  The workers loaded or read it while they served; nothing else has.",
      ]
    case "pattern":
      lines = [
        "\(file): a change means new workers of the same code (respawn).",
        "  The application did not read it when it loaded, but it is watched as a template, a configuration file, or by",
        "  --watch.",
      ]
    case "library":
      lines = ["\(file): a change leads to nothing. It is in a library directory of perl's, which is not watched."]
    default:
      lines = [
        "\(file): a change leads to nothing. The application has not loaded it.",
        "  If it reads it while it serves, name it with --watch.",
      ]
    }
  }

  private static func reload(_ why: ControlDocument.Why, _ file: String) -> [String] {
    var lines: [String] = []
    if why.way == "rewind" {
      lines = ["\(file): a change loads \(counted(why.loaded, "file")) again (rewind)."]
      if let checkpoint = why.checkpoint { lines.append("  from the checkpoint before \(shown(checkpoint.file))") }
    } else {
      lines = ["\(file): a change loads everything again, \(counted(why.loaded, "file")) (cold start)."]
    }
    if let met = why.met { lines.append("  the load \(met)") }
    for file in why.loadedFiles.prefix(10) { lines.append("    \(shown(file))") }
    if why.loaded > 10 { lines.append("    and \(why.loaded - 10) more") }
    return lines
  }

  private static func chains(_ why: ControlDocument.Why) -> [String] {
    why.chains.enumerated().map { index, chain in
      (index == 0 ? "  loaded by  " : "  used by    ")
        + chain.reversed().map { "\(shown($0.file)):\($0.line)" }.joined(separator: " < ")
    }
  }
}
