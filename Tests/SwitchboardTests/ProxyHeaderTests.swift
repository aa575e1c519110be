import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

/// The PROXY protocol, byte for byte.
@Suite struct ProxyHeaderTests {
  private func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { bytes.withUnsafeBytes { ProxyHeader.read($0) } }

  private func ends(_ address: String, _ family: Loan.Family, _ clientPort: UInt16, _ port: UInt16) -> ProxyHeader.Ends
  {
    var ends = ProxyHeader.Ends(family: family, clientPort: clientPort, port: port)
    #expect(inet_pton(family == .ipv4 ? AF_INET : AF_INET6, address, &ends.client) == 1)
    return ends
  }

  static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
  static let tcp4: [UInt8] = signature + [0x21, 0x11, 0, 12, 203, 0, 113, 9, 10, 0, 0, 1, 0x12, 0x67, 0x01, 0xBB]

  @Test func linesAreRead() {
    let line = Array("PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n".utf8)
    let whole = ProxyHeader.Reading.complete(
      ProxyHeader(ends: ends("203.0.113.9", .ipv4, 4711, 443)), length: line.count)
    #expect(read(line + Array("GET / HTTP/1.1\r\n".utf8)) == whole)
    for count in 0..<line.count { #expect(read(Array(line[..<count])) == .incomplete, "\(count)") }
    let six = Array("PROXY TCP6 2001:db8::9 ::1 65535 0\r\n".utf8)
    #expect(read(six) == .complete(ProxyHeader(ends: ends("2001:db8::9", .ipv6, 65535, 0)), length: six.count))
    for unknown in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 x 1 2\r\n"] {
      #expect(read(Array(unknown.utf8)) == .complete(ProxyHeader(), length: unknown.utf8.count))
    }
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n", "PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n", "PROXY TCP4 203.0.113.9 10.0.0.1 4711 65536\r\n",
    "PROXY TCP4 2001:db8::9 ::1 1 2\r\n", "PROXY TCP4 203.0.113.9  10.0.0.1 4711 443\r\n",
    "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\n", "PROXY  \r\n", "proxy UNKNOWN\r\n", "PROXYUNKNOWN\r\n", "\r\n\r\nGET",
    "PROXY UNKNOWN " + String(repeating: "x", count: 100),
  ])
  func otherThingsAreRefused(_ text: String) { #expect(read(Array(text.utf8)) == .refused, "\(text)") }

  @Test func binaryHeadersAreRead() {
    let four = ends("203.0.113.9", .ipv4, 4711, 443)
    #expect(read(Self.tcp4 + [71]) == .complete(ProxyHeader(ends: four), length: 28))
    for count in 0..<28 { #expect(read(Array(Self.tcp4[..<count])) == .incomplete, "\(count)") }
    // With a note on TLS behind another one.
    var noted = Self.tcp4 + [0x01, 0, 2, 0x68, 0x32, 0x20, 0, 5, 1, 0, 0, 0, 0]
    noted[15] = UInt8(noted.count - 16)
    #expect(read(noted) == .complete(ProxyHeader(ends: four, isSecure: true), length: noted.count))
    noted[noted.count - 5] = 0
    #expect(read(noted) == .complete(ProxyHeader(ends: four), length: noted.count))
    // A note that says it is longer than it is.
    noted[noted.count - 6] = 200
    #expect(read(noted) == .complete(ProxyHeader(ends: four), length: noted.count))
    let six =
      Self.signature + [0x21, 0x21, 0, 36] + [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9]
      + [UInt8](repeating: 0, count: 16) + [0, 1, 0, 2]
    #expect(read(six) == .complete(ProxyHeader(ends: ends("2001:db8::9", .ipv6, 1, 2)), length: 52))
    // The proxy's own question, and a Unix socket.
    #expect(read(Self.signature + [0x20, 0, 0, 0]) == .complete(ProxyHeader(isOwn: true), length: 16))
    #expect(
      read(Self.signature + [0x21, 0x31, 0, 216] + [UInt8](repeating: 0, count: 216))
        == .complete(ProxyHeader(), length: 232))
  }

  @Test func binaryHeadersThatCannotBeAreRefused() {
    var other = Self.tcp4
    other[12] = 0x11
    #expect(read(other) == .refused, "version 1 is text")
    other[12] = 0x22
    #expect(read(other) == .refused, "an unknown command")
    #expect(read(Self.signature + [0x21, 0x11, 0, 4, 1, 2, 3, 4]) == .refused, "no room for two addresses")
    #expect(read(Self.signature + [0x21, 0x11, 0xFF, 0xFF]) == .refused, "longer than anybody needs")
  }
}
