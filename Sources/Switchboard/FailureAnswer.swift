/// What every request is answered with, status 500, while there is no good code to run.
public struct FailureAnswer: Equatable, Sendable {
  /// A page, UTF-8, for clients that show HTML.
  public struct Page: Equatable, Sendable {
    /// The page.
    public var html: [UInt8]
    /// The same for a request that should not be repeated unasked, such as a form.
    public var formHTML: [UInt8]
    /// The page's Content-Security-Policy.
    public var policy: String

    /// Makes a page.
    public init(html: [UInt8], formHTML: [UInt8], policy: String) {
      self.html = html
      self.formHTML = formHTML
      self.policy = policy
    }
  }

  /// Tells it from every other answer, those of earlier servers included. No spaces, no line ends.
  public var name: String
  /// For clients that show HTML.
  public var page: Page
  /// Plain text, UTF-8.
  public var text: [UInt8]

  /// Makes an answer.
  public init(name: String, page: Page, text: [UInt8]) {
    self.name = name
    self.page = page
    self.text = text
  }

  /// What the stream of events says while code is being loaded.
  public static let loading = "loading"

  /// What the stream of events says while the answer of this name is given.
  public static func state(named name: String) -> String { "failed \(name)" }
}
