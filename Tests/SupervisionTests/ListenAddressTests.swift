import Testing

@testable import Supervision

@Suite struct ListenAddressTests {
  @Test(arguments: [
    ("127.0.0.1:5000", ListenAddress.tcp(host: "127.0.0.1", port: 5000)),
    ("localhost:0", .tcp(host: "localhost", port: 0)),
    (":8080", .tcp(host: nil, port: 8080)), ("*:8080", .tcp(host: nil, port: 8080)),
    ("8080", .tcp(host: nil, port: 8080)), ("[::1]:80", .tcp(host: "::1", port: 80)),
    ("[::]:80", .tcp(host: "::", port: 80)), ("/run/app.sock", .unix(path: "/run/app.sock")),
    ("/run/a:5000", .unix(path: "/run/a:5000")), ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
    ("127.0.0.1:443:ssl", .tcp(host: "127.0.0.1", port: 443)), (":443:SSL", .tcp(host: nil, port: 443)),
    ("[::1]:443:ssl", .tcp(host: "::1", port: 443)), ("443:ssl", .tcp(host: nil, port: 443)),
    ("app.sock", .unix(path: absolute("app.sock"))), ("unix:8080", .unix(path: absolute("8080"))),
  ])
  func addressIsRead(_ text: String, _ expected: ListenAddress) throws {
    #expect(try ListenAddress(text) == expected)
  }

  @Test(arguments: [
    ("", "takes HOST:PORT"), ("unix:", "takes HOST:PORT"), ("/run/app.sock:ssl", "TLS is for ports"),
    ("localhost:http", "'http' is no port"), ("localhost:70000", "'70000' is no port"),
    ("70000", "'70000' is no port"), ("localhost:", "'' is no port"), ("::1:5000", "in brackets"),
    ("[::1:5000", "in brackets"), ("/" + String(repeating: "x", count: 107), "107 bytes"),
  ])
  func whatIsNoAddressIsOneSentenceOfUsage(_ text: String, _ words: String) {
    let error = #expect(throws: StartupError.self) { try ListenAddress(text) }
    #expect(error?.description.contains(words) == true, "\(error as Any)")
    #expect(error?.isUsage == true)
  }

  @Test(arguments: [
    (":443:ssl", true), ("localhost:443:SSL", true), (":443", false), ("unix:/run/a:ssl", false), ("ssl", false),
  ])
  func markOfTLSStandsBehindThePort(_ text: String, _ isMarked: Bool) {
    #expect(ListenAddress.isMarkedSecure(text) == isMarked)
  }

  @Test(arguments: [
    (ListenAddress.tcp(host: nil, port: 5000), "http://0.0.0.0:5000/"),
    (.tcp(host: "::1", port: 5000), "http://[::1]:5000/"), (.unix(path: "/a"), "unix:/a"),
  ])
  func addressIsShownAsAPersonReadsIt(_ address: ListenAddress, _ expected: String) {
    #expect("\(address)" == expected)
  }
}

@Suite struct InheritedSocketsTests {
  typealias Announcement = InheritedSockets.Announcement

  @Test func systemdCountsFromThree() throws {
    let found = try InheritedSockets.announcements(
      ["LISTEN_FDS": "2", "LISTEN_PID": "77", "LISTEN_FDNAMES": "a:b"], pid: 77)
    #expect(found == [Announcement(descriptor: 3), Announcement(descriptor: 4)])
  }

  @Test func descriptorsForAnotherProcessAreNotOurs() throws {
    #expect(try InheritedSockets.announcements(["LISTEN_FDS": "2", "LISTEN_PID": "76"], pid: 77) == [])
    #expect(try InheritedSockets.announcements(["LISTEN_FDS": "2"], pid: 77) == [])
  }

  @Test func serverStarterNamesEachDescriptor() throws {
    let found = try InheritedSockets.announcements(
      ["SERVER_STARTER_PORT": "0.0.0.0:80=4;[::1]:80=5;/run/a=b.sock=6"], pid: 1)
    #expect(
      found == [
        Announcement(descriptor: 4, name: "0.0.0.0:80"), Announcement(descriptor: 5, name: "[::1]:80"),
        Announcement(descriptor: 6, name: "/run/a=b.sock"),
      ])
  }

  @Test(arguments: [
    (["LISTEN_FDS": "many", "LISTEN_PID": "77"], "LISTEN_FDS says 'many' and not how many sockets there are."),
    (["LISTEN_FDS": "-1", "LISTEN_PID": "77"], "LISTEN_FDS says '-1' and not how many sockets there are."),
    (["SERVER_STARTER_PORT": "80"], "SERVER_STARTER_PORT says '80' and not NAME=DESCRIPTOR."),
    (["SERVER_STARTER_PORT": "80=x"], "SERVER_STARTER_PORT says '80=x' and not NAME=DESCRIPTOR."),
  ])
  func nonsenseIsNamed(_ environment: [String: String], _ sentence: String) {
    let error = #expect(throws: StartupError.self) { try InheritedSockets.announcements(environment, pid: 77) }
    #expect(error?.description == sentence)
  }
}

@Suite struct ServiceManagerTests {
  @Test func messagesAreSystemdsLines() {
    #expect(ServiceManager.message(.ready("all well"), at: 0) == "READY=1\nSTATUS=all well\n")
    #expect(ServiceManager.message(.reloading, at: 5_000_999) == "RELOADING=1\nMONOTONIC_USEC=5000\n")
    #expect(ServiceManager.message(.stopping, at: 0) == "STOPPING=1\n")
    #expect(ServiceManager.message(.alive, at: 0) == "WATCHDOG=1\n")
  }

  @Test(
    arguments: [
      ("30000000", nil, 15_000_000_000), ("30000000", "77", 15_000_000_000), ("30000000", "78", nil), (nil, nil, nil),
      ("0", nil, nil), ("soon", nil, nil),
    ] as [(String?, String?, UInt64?)])
  func watchdogIsToldTwiceInItsTime(microseconds: String?, pid: String?, pulse: UInt64?) {
    #expect(ServiceManager.pulse(microseconds: microseconds, pid: pid, own: 77) == pulse)
  }
}
