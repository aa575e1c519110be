/// Why a load in a ``PreloadOrder`` may not be what a load in natural order would be.
public struct PreloadObjection: Hashable, Sendable {
  /// The `%INC` key of the file that may not be preloaded.
  public var key: String
  /// What speaks against it.
  public var reason: Reason

  /// What may speak against a file.
  public enum Reason: Hashable, Sendable {
    /// This (`%ENV`, `*My::Module::debug`) is not as at the end of the preload when the application asks for the file.
    case changed(String)
    /// The application asks for this file before it asks for what it used to ask for.
    case early(String)
    /// Other files are loaded than used to be when the application asks for it.
    case company
    /// The application does not ask for it any more.
    case unasked
    /// Another file is found in its place; nil for none.
    case elsewhere(String?)
    /// It could not be loaded before the application, for this reason.
    case failed(String)
  }

  /// Makes an objection.
  public init(key: String, reason: Reason) {
    self.key = key
    self.reason = reason
  }

  /// A sentence without a full stop.
  public var sentence: String {
    switch reason {
    case .changed(let what): "the application now changes \(what) before it loads \(key)"
    case .early(let other): "the application now loads \(other) before \(key)'s turn"
    case .company: "the application now loads other files before \(key)"
    case .unasked: "the application does not load \(key) any more"
    case .elsewhere(let file?): "\(key) is now \(file)"
    case .elsewhere(nil): "\(key) is not found any more"
    case .failed(let message): "\(key) cannot be loaded before the application: \(message)"
    }
  }
}
