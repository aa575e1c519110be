import HTTP1

/// An answer that `nacre` gives by itself. The connection is closed after it.
struct Answer {
  var status: Int
  var contentType: StaticString = "text/plain; charset=utf-8"
  var body: [UInt8]
  /// Seconds after which it is worth trying again.
  var retryAfter: Int?

  init(status: Int, _ sentence: String, retryAfter: Int? = nil) {
    self.status = status
    body = Array((sentence + "\n").utf8)
    self.retryAfter = retryAfter
  }

  init(status: Int, contentType: StaticString, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  static let stillLoading = Answer(
    status: 503, "The new code is still loading. Try again in a moment.", retryAfter: 1)
  static let tooMuchWaiting = Answer(
    status: 503, "Too many requests are waiting. Try again in a moment.", retryAfter: 1)
  static let workerDied = Answer(status: 502, "The worker that ran this request has ended without an answer.")
  static let headTooSlow = Answer(status: 408, "The request head did not arrive in time.")
  static let bodyTooSlow = Answer(status: 408, "The request body did not arrive in time.")
  static let bodyTooLarge = Answer(status: 413, "The request body is too large.")
  static let noRoomForBody = Answer(status: 507, "There is no room left to keep the request body.")
  static let bodyNotKept = Answer(
    status: 503, "The request body could not be kept. Try again in a moment.", retryAfter: 1)
  static let notLent = Answer(status: 503, "No worker could take the request. Try again in a moment.", retryAfter: 1)

  init(_ refusal: Refusal) { self.init(status: refusal.status, "\(refusal.explanation)") }

  /// The response's bytes; without the body for HEAD.
  func encoded(isHead: Bool) -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(ReasonPhrase.of(status))\r\n"
    head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
    if let retryAfter { head += "Retry-After: \(retryAfter)\r\n" }
    head += "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    return Array(head.utf8) + (isHead ? [] : body)
  }
}
