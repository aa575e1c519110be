/// What every request is answered with while there is no good code to run.
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
  /// The status.
  public var status: Int
  /// Nil if everybody gets the text.
  public var page: Page?
  /// Plain text, UTF-8.
  public var text: [UInt8]
  /// Seconds after which it is worth trying again by itself; nil if a person has to do something first.
  public var retryAfter: Int?

  /// Makes an answer.
  public init(name: String, status: Int = 500, page: Page?, text: [UInt8], retryAfter: Int? = nil) {
    self.name = name
    self.status = status
    self.page = page
    self.text = text
    self.retryAfter = retryAfter
  }

  /// What the stream of events says while code is being loaded.
  public static let loading = "loading"

  /// What the stream of events says while the answer of this name is given.
  public static func state(named name: String) -> String { "failed \(name)" }
}
