import ArgumentParser
import Supervision

/// What leads to a reload.
struct WatchOptions: ParsableArguments {
  /// `--reload`.
  enum Reload: String, ExpressibleByArgument, CaseIterable {
    case auto, off
  }

  @Option(help: ArgumentHelp("auto, or off to reload on HUP only.", valueName: "auto|off"))
  var reload = Reload.auto

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern that is watched although the application does not load it; a change means new workers. May be repeated.",
      valueName: "PATTERN"))
  var watch: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern whose changes never lead to a reload. May be repeated.", valueName: "PATTERN"))
  var ignore: [String] = []

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.watch = watch
    settings.ignore = ignore
    settings.reloads = reload == .auto
  }
}
