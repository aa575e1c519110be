import Glibc
import ProcessProtocol
import Testing

@Suite struct TrustedProxyTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.200.3.4", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.7", "192.0.2.7", true),
    ("192.0.2.7", "192.0.2.8", false), ("192.0.2.128/25", "192.0.2.127", false),
    ("192.0.2.128/25", "192.0.2.255", true),
    ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false), ("2001:db8::/32", "2001:db8:1::9", true),
    ("2001:db8::/32", "2001:db9::9", false), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
    ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("::1", "::1", true), ("::/0", "::1", true),
    ("127.0.0.1", "::ffff:127.0.0.1", true), ("unix:", "127.0.0.1", false),
  ])
  func rangesHoldWhatBeginsWithTheSameBits(range: String, address: String, isTrusted: Bool) throws {
    let trusted = try #require(TrustedProxies([range]))
    let parsed: NetworkAddress = try #require(NetworkAddress(address))
    #expect(trusted.contains(parsed) == isTrusted)
  }

  @Test func unixSocketsAreTrustedByName() throws {
    #expect(try #require(TrustedProxies(["10.0.0.0/8", "unix:"])).contains(nil))
    #expect(try !#require(TrustedProxies(["0.0.0.0/0", "::/0"])).contains(nil))
    #expect(!TrustedProxies.none.contains(nil))
  }

  @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "::1/-1", "host", "10.0.0.1/8/8", "unix"])
  func whatIsNoRangeIsRefused(word: String) {
    #expect(TrustedProxies([word]) == nil)
  }

  @Test func addressOfALoanIsTheSame() throws {
    var words: (UInt64, UInt64) = (0, 0)
    inet_pton(AF_INET, "192.0.2.1", &words)
    #expect(NetworkAddress(.ipv4, words) == NetworkAddress("192.0.2.1"))
    inet_pton(AF_INET6, "2001:db8::1", &words)
    #expect(NetworkAddress(.ipv6, words) == NetworkAddress("2001:db8::1"))
    #expect(NetworkAddress(.unix, (0, 0)) == nil)
  }
}
