/// What a person is told about a load that failed: on the terminal, as a page, as plain text.
public struct FailureReport: Equatable, Sendable {
  /// What answers requests meanwhile.
  public enum Meanwhile: Equatable, Sendable {
    /// A generation goes on serving (production).
    case serves(generation: UInt64)
    /// Every request is answered with this report (development); `generation` is kept, if there is one.
    case answersWithReport(generation: UInt64?)
    /// Nothing runs and `nacre` leaves.
    case leaves
    /// The same, but there is a server that was to be replaced, and goes on.
    case leavesToOther
    /// No generation is rejected: a worker that was to replace another could not start, and the next one will be tried.
    case triesAgain
  }

  /// The failure.
  public let failure: LoadFailure
  /// The number of the generation that could not be built.
  public let generation: UInt64
  /// What answers requests meanwhile.
  public let meanwhile: Meanwhile
  /// What was found around it.
  public let scene: FailureScene

  /// Makes a report.
  public init(
    _ failure: LoadFailure, generation: UInt64, meanwhile: Meanwhile, scene: FailureScene = FailureScene()
  ) {
    self.failure = failure
    self.generation = generation
    self.meanwhile = meanwhile
    self.scene = scene
  }

  /// What happened, as one sentence.
  public var headline: String { headline(showing: { $0 }) }

  /// What happened, as one sentence that shows paths in this way.
  func headline(showing shown: (String) -> String) -> String {
    if let hook = failure.hook {
      return "A worker could not start: its start hook of \(shown(place(hook))) \(hookEnd)."
    }
    let subject = failure.file.isEmpty ? "The application" : shown(failure.file)
    let inFile = failure.file.isEmpty ? "" : " \(shown(failure.file))"
    return switch failure.cause {
    case .died: "\(subject) could not be loaded."
    case .exited: "The code called exit(\(failure.status)) while it was loading\(inFile)."
    case .killed: "The process was killed by \(SignalName.of(failure.status)) while it was loading\(inFile)."
    case .timedOut:
      "The code was still loading\(inFile) after \(failure.status) second\(failure.status == 1 ? "" : "s")."
    case .thread: "\(subject) started a thread while it was loading; a forked worker would not have it."
    case .notAnApplication: "\(subject) did not return an application (a code reference)."
    case .system: "Nacre could not build generation \(generation)."
    }
  }

  /// How to go on, as one sentence.
  public var remedy: String {
    let tryAgain =
      switch meanwhile {
      case .leaves: "start nacre again"
      case .leavesToOther: "restart again"
      default: "save"
      }
    if failure.hook != nil {
      return switch meanwhile {
      case .triesAgain: "Correct it, or what it needs (is a database down?)"
      case .leaves, .leavesToOther: "Correct it, or what it needs (is a database down?), and \(tryAgain)"
      default: "Correct it and save; if what it needs was missing (a database?), send nacre the signal HUP"
      }
    }
    return switch failure.cause {
    case .died: "Correct it and \(tryAgain)"
    case .exited: "Let the code die or return instead of leaving, and \(tryAgain)"
    case .killed: "Look at what the file loads last (XS modules, kill, deep recursion), correct it and \(tryAgain)"
    case .timedOut: "Look for an endless loop, correct it and \(tryAgain), or allow more time with --load-timeout"
    case .thread: "Start the thread when the first request comes, and \(tryAgain)"
    case .notAnApplication: "Let the file end with the application, such as $app; or sub { ... };, and \(tryAgain)"
    case .system: "Put that right and \(tryAgain == "save" ? "save any file" : tryAgain)"
    }
  }

  /// What runs meanwhile, as one sentence.
  public var standing: String {
    switch meanwhile {
    case .serves(let generation): "Generation \(generation) keeps running."
    case .answersWithReport(let generation?):
      "Requests get this report until then; generation \(generation) is kept, and putting the old content back brings "
        + "it back at once."
    case .answersWithReport(nil): "Requests get this report until then."
    case .leaves: "Nothing is running."
    case .leavesToOther: "The server that was to be replaced goes on."
    case .triesAgain: "Generation \(generation) keeps running, and the worker is tried again."
    }
  }

  /// The place in the form that editors and terminals recognise: `lib/App.pm:12`; nil if unknown.
  public var place: String? {
    if failure.file.isEmpty { return nil }
    return failure.line > 0 ? "\(failure.file):\(failure.line)" : failure.file
  }

  /// The report for the terminal: one paragraph, perl's message indented in its middle.
  public var terminal: String {
    let verdict = meanwhile == .triesAgain ? "" : "generation \(generation) rejected. "
    var lines = ["nacre: \(verdict)\(headline)"]
    if let place { lines.append("  at \(place)") }
    if let source = scene.excerpt?.markedText { lines.append("     \(source)") }
    lines += messageLines.map { "  | \($0)" }
    lines += usedFrom.map { "  \($0)" }
    lines.append("  \(remedy). \(standing)")
    return lines.joined(separator: "\n") + "\n"
  }

  /// What happened and where, with perl's message, for somebody at a terminal who has asked for it.
  public var brief: String {
    ([headline] + (place.map { ["  at \($0)"] } ?? []) + messageLines.map { "  | \($0)" }).joined(separator: "\n")
  }

  /// The report as plain text, for clients that do not take HTML.
  public var text: String {
    var lines = [headline]
    if let place { lines.append("at \(place)") }
    if !messageLines.isEmpty { lines += [""] + messageLines }
    if let excerpt = scene.excerpt { lines += [""] + excerpt.plainLines }
    if !usedFrom.isEmpty { lines += [""] + usedFrom }
    lines += ["", "\(remedy). \(standing)"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// `used by lib/My.pm:3`, from the inside out, without the place itself.
  var usedFrom: [String] {
    failure.chain.reversed().filter { $0.file != failure.file || $0.line != failure.line }
      .map { "used at \($0.file):\($0.line)" }
  }

  /// perl's message without the lines that the chain already tells.
  var messageLines: [String] { Self.messageLines(of: failure.message) }

  static func messageLines(of message: String) -> [String] {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let kept = lines.filter {
      !$0.hasPrefix("BEGIN failed--compilation aborted at ") && !$0.hasPrefix("Compilation failed in require at ")
    }
    let trimmed = (kept.contains { !$0.isEmpty } ? kept : lines).reversed().drop { $0.isEmpty }.reversed()
    return Array(trimmed)
  }

  /// How the start hook ended, to go on a sentence with.
  private var hookEnd: String {
    switch failure.cause {
    case .exited: "called exit(\(failure.status))"
    case .killed: "was ended by \(SignalName.of(failure.status))"
    case .timedOut: "was still running after \(failure.status) second\(failure.status == 1 ? "" : "s")"
    case .died, .thread, .notAnApplication, .system: "died"
    }
  }

  private func place(_ step: LoadFailure.Step) -> String { step.line > 0 ? "\(step.file):\(step.line)" : step.file }
}
