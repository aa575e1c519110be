import Glibc
import HTTP1

/// An answer that `nacre` gives by itself. The connection is closed after it.
struct Answer {
  var status: Int
  var contentType: StaticString = "text/plain; charset=utf-8"
  var body: [UInt8]
  /// Seconds after which it is worth trying again.
  var retryAfter: Int?
  /// The Content-Security-Policy of a page.
  var policy: String?

  init(status: Int, _ sentence: String, retryAfter: Int? = nil) {
    self.status = status
    body = Array((sentence + "\n").utf8)
    self.retryAfter = retryAfter
  }

  // Who develops is told where to look; the world need not know.

  static func stillLoading(inDevelopment: Bool) -> Answer {
    let hint = inDevelopment ? " Nacre's terminal tells when it has loaded, or why it has not." : ""
    return Answer(
      status: 503, "The new code is still loading. Try again in a moment.\(hint)", retryAfter: 1)
  }
  static let tooMuchWaiting = Answer(
    status: 503, "Too many requests are waiting. Try again in a moment.", retryAfter: 1)
  static let tooManyConnections = Answer(
    status: 503, "There are too many connections. Try again in a moment.", retryAfter: 1)
  static func tookTooLong(_ seconds: Int) -> Answer {
    Answer(status: 504, "The request took longer than \(seconds) s and was ended.")
  }
  static func workerDied(inDevelopment: Bool) -> Answer {
    let hint = inDevelopment ? " Nacre's terminal tells how it ended. No other request was affected." : ""
    return Answer(status: 502, "The worker that ran this request has ended without an answer.\(hint)")
  }
  static let headTooSlow = Answer(status: 408, "The request head did not arrive in time.")
  static let bodyTooSlow = Answer(status: 408, "The request body did not arrive in time.")
  static let bodyTooLarge = Answer(.bodyTooLarge)
  static let noRoomForBody = Answer(status: 507, "There is no room left to keep the request body.")
  static let bodyNotKept = Answer(
    status: 503, "The request body could not be kept. Try again in a moment.", retryAfter: 1)
  static let notLent = Answer(status: 503, "No worker could take the request. Try again in a moment.", retryAfter: 1)
  static let tooManyStreams = Answer(status: 503, "Too many error pages are open. Reload them by hand.")

  init(_ refusal: Refusal) { self.init(status: refusal.status, "\(refusal.explanation)") }

  /// The answer to a request while there is no good code.
  init(_ failure: FailureAnswer, wantsPage: Bool, isForm: Bool) {
    status = 500
    body = failure.text
    guard wantsPage else { return }
    let page = failure.page
    contentType = "text/html; charset=utf-8"
    body = isForm ? page.formHTML : page.html
    policy = page.policy
  }

  /// The response's bytes; without the body for HEAD. `date` is seconds after the epoch.
  func encoded(isHead: Bool, date: Int) -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(ReasonPhrase.of(status))\r\nDate: \(Self.written(date))\r\n"
    head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
    if let retryAfter { head += "Retry-After: \(retryAfter)\r\n" }
    if let policy { head += "Content-Security-Policy: \(policy)\r\n" }
    head += "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    return Array(head.utf8) + (isHead ? [] : body)
  }

  /// The head of a stream of events, which ends with its connection.
  static func streamHead(date: Int) -> [UInt8] {
    Array(
      ("HTTP/1.1 200 OK\r\nDate: \(written(date))\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        + "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
        + "Connection: close\r\n\r\n").utf8)
  }

  private static func written(_ date: Int) -> String {
    withUnsafeTemporaryAllocation(byteCount: HTTPDate.length, alignment: 1) { bytes in
      HTTPDate.write(date, to: bytes.baseAddress!)
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
