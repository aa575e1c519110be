import HTTP1
import Testing

/// llhttp, inside NIOHTTP1, reads the same bytes independently.
@Suite struct OracleTests {
  @Test(arguments: 0..<20)
  func validRequestsAreReadAsNIOReadsThem(_ seed: UInt64) {
    var generator = RequestGenerator(seed: seed)
    for _ in 0..<200 {
      let request = generator.validRequest()
      let text = String(decoding: request, as: UTF8.self).debugDescription
      let ours = readingByNacre(request)
      #expect(ours != nil, "\(text) \(parse(request))")
      #expect(ours == readingByNIO(request), "\(text)")
    }
  }

  @Test(arguments: 0..<20)
  func whatIsAcceptedIsReadAsNIOReadsIt(_ seed: UInt64) {
    var generator = RequestGenerator(seed: 1000 + seed)
    for _ in 0..<500 {
      let request = generator.mutatedRequest()
      guard let ours = readingByNacre(request) else { continue }
      let theirs = readingByNIO(request)
      if ours == theirs || explanation(of: ours, and: theirs, request) != nil { continue }
      Issue.record("\(String(decoding: request, as: UTF8.self).debugDescription) \(ours), NIO: \(theirs as Any)")
    }
  }

  /// Why the readings may differ. Requests that both accept are read alike, but for the first difference.
  private func explanation(of ours: Reading, and theirs: Reading?, _ request: [UInt8]) -> String? {
    if var theirs {
      theirs.keepsAlive = false
      return ours == theirs && ours.minorVersion == 0
        ? "llhttp lets keep-alive win over close in HTTP/1.0; closing is always right" : nil
    }
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "OPTIONS", "REPORT"]
    if !known.contains(ours.method) { return "llhttp has a list of methods; any token is one (RFC 9110, 9.1)" }
    if ours.target.utf8.contains(where: { $0 >= 0x80 }) {
      return "llhttp wants ASCII targets; clients send UTF-8 as it is, and it can be read in one way only"
    }
    let text = String(decoding: request, as: UTF8.self)
    if text.contains(/^\s*[^\r\n]* HTTP\/1\.[2-9]\r\n/) { return "1.x is to be read as 1.1 (RFC 9110, 2.5)" }
    if text.contains(/(?i)content-length:[^\r\n]*\t\r\n/) { return "llhttp takes no HTAB behind a number" }
    guard ours.fields.contains(where: { $0.lowercased() == "transfer-encoding: chunked" }) else { return nil }
    if text.contains(/\r\n[0-9a-f]+[ \t]*;[^\r\n]*\r\n/) { return "extensions are skipped, not checked" }
    if text.contains(/(?i)\r\n0+\r\n([^\r\n]+\r\n)*(transfer-encoding|content-length) *:/) {
      return "trailer fields are skipped, whatever their names"
    }
    return nil
  }
}
