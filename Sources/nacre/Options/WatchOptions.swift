import ArgumentParser
import Glibc
import ReloadModel
import Supervision

/// What leads to a reload.
struct WatchOptions: ParsableArguments {
  /// `--reload`.
  enum Reload: String, ExpressibleByArgument, CaseIterable {
    case auto, touch, manual, off
  }

  @Option(
    help: ArgumentHelp(
      "auto: on every change; touch: when the touch file is touched; manual or off: on HUP only. (default: auto)",
      valueName: "auto|touch|manual|off"))
  var reload: Reload?

  @Option(
    help: ArgumentHelp(
      "The file whose touch(1) reloads what has changed (implies --reload touch); its first line may list modules, without a change of which nothing is reloaded.",
      valueName: "PATH"))
  var touchFile: String?

  @Option(
    help: ArgumentHelp(
      "Only changes of these modules lead to a reload: My::App, My::* for what lies below My::, My* for a prefix; several in one word or repeated.",
      valueName: "MODULES"))
  var reloadModules: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only changes in or below this directory lead to a reload. May be repeated.", valueName: "DIR"))
  var reloadDirectories: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern that is watched although the application does not load it; a change means new workers. May be repeated.",
      valueName: "PATTERN"))
  var watch: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern whose changes never lead to a reload. May be repeated.", valueName: "PATTERN"))
  var ignore: [String] = []

  @Option(
    help: ArgumentHelp(
      "Look at the files every so many seconds (--poll alone: every second; fractions allowed) instead of having the kernel tell.",
      valueName: "SECONDS"))
  var poll: Double?

  func validate() throws {
    if reload == .touch, touchFile == nil { throw ValidationError("--reload touch needs --touch-file PATH") }
    if let reload, reload != .touch, touchFile != nil {
      throw ValidationError("--touch-file goes with --reload touch, not with --reload \(reload.rawValue)")
    }
    if touchFile == "" { throw ValidationError("--touch-file takes a file, not an empty word") }
    if let poll, !(0.02...3600).contains(poll) {
      throw ValidationError("--poll takes 0.02 to 3600 seconds, not \(poll)")
    }
    if let word = ModulePatterns(reloadModules).unknown.first {
      throw ValidationError("--reload-modules takes names such as My::App, My::* or My*, not '\(word)'")
    }
  }

  /// The directories of `--reload-directories`: as in Apache2::Reload a word may list several, separated by white space.
  var directories: [String] {
    reloadDirectories.flatMap { word in
      access(word, F_OK) == 0 ? [word] : word.split(whereSeparator: \.isWhitespace).map(String.init)
    }.map(absolute)
  }

  /// What leads to a reload; a touch file says that it is that.
  var trigger: WatchSettings.Trigger {
    if let touchFile { return .touch(file: absolute(touchFile)) }
    return switch reload {
    case .manual, .off: .manual
    case .auto, .touch, nil: .changes
    }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.watching.trigger = trigger
    settings.watching.watch = watch
    settings.watching.ignore = ignore
    settings.watching.modules = reloadModules
    settings.watching.directories = directories
    settings.watching.poll = poll
  }
}
