import Glibc
import ProcessProtocol
import Switchboard
import Testing

@testable import Supervision

/// What two versions of `nacre` say to each other.
@Suite struct RestartMessagesTests {
  private func offer(_ sockets: UInt8, format: UInt8 = RestartOffer.currentFormat) -> RestartMessage {
    .offer(RestartOffer(format: format, pid: 4711, keeper: 815, control: "/run/nacre/5000.sock", sockets: sockets))
  }

  private func socket(
    _ address: ListenAddress, _ purpose: OfferedSocket.Purpose = .serving, isInherited: Bool = false
  ) -> RestartMessage {
    .socket(OfferedSocket(purpose: purpose, isInherited: isInherited, hasFile: false, address: address))
  }

  /// A server that is offered this; the sockets' descriptors are those of the null device.
  private func predecessor(_ messages: [RestartMessage]) throws -> (Predecessor, old: Channel) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    let old = Channel(descriptor: ends[0])
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(null) }
    for message in messages {
      let carries = if case .socket = message { true } else { false }
      #expect(old.send(message, descriptors: carries ? [null] : []) == .passed)
    }
    return (Predecessor(channel: Channel(descriptor: ends[1])), old)
  }

  @Test func everyMessageIsReadAsItWasWritten() throws {
    let messages: [RestartMessage] = [
      offer(3), socket(.tcp(host: nil, port: 80)), socket(.tcp(host: "::1", port: 5000), .metrics),
      socket(.unix(path: "/run/app.sock"), isInherited: true), .takeOver, .lead, .connection, .ready, .serving,
      .failed("the application does not exist."),
    ]
    for message in messages {
      let read = try message.encoded.withUnsafeBytes { bytes in
        var reader = WireReader(bytes)
        return try RestartMessage(from: &reader)
      }
      #expect(read == message)
    }
  }

  @Test func socketsAreFoundByWhatTheyListenOn() throws {
    let (predecessor, _) = try predecessor([
      offer(4), socket(.tcp(host: "127.0.0.1", port: 31_234)), socket(.unix(path: "/nowhere/app.sock")),
      socket(.tcp(host: "localhost", port: 31_235)), socket(.tcp(host: "127.0.0.1", port: 31_236), .metrics),
    ])
    try predecessor.readOffer()
    let wanted: [ListenAddress] = [
      .unix(path: "/nowhere/app.sock"), .tcp(host: "localhost", port: 0), .tcp(host: "127.0.0.1", port: 31_234),
    ]
    let found = try predecessor.listen(on: wanted, .init())
    #expect(
      found.map(\.address) == [
        .unix(path: "/nowhere/app.sock"), .tcp(host: "localhost", port: 31_235), .tcp(host: "127.0.0.1", port: 31_234),
      ])
    #expect(predecessor.take(.tcp(host: "127.0.0.1", port: 31_236), for: .serving) == nil)
    #expect(predecessor.take(.tcp(host: "127.0.0.1", port: 31_236), for: .metrics) != nil)
    for socket in found { close(socket.descriptor) }
  }

  @Test func socketThatIsNotOfferedIsMade() throws {
    let (predecessor, _) = try predecessor([offer(1), socket(.tcp(host: "127.0.0.2", port: 31_234))])
    try predecessor.readOffer()
    let found = try predecessor.listen(on: [.tcp(host: "127.0.0.1", port: 0)], .init())
    #expect(found.count == 1 && SocketName.of(found[0].descriptor)?.port == found[0].port)
    for socket in found { socket.end() }
  }

  @Test func inheritedSocketsAreTakenAsSuch() throws {
    let (predecessor, _) = try predecessor([
      offer(2), socket(.tcp(host: "0.0.0.0", port: 80), isInherited: true),
      socket(.unix(path: "/run/app.sock"), isInherited: true),
    ])
    try predecessor.readOffer()
    let taken = predecessor.takeInherited()
    #expect(taken.count == 2 && taken.allSatisfy(\.isInherited))
    #expect(predecessor.takeInherited().isEmpty)
    for socket in taken { close(socket.descriptor) }
  }

  @Test func unknownFormatIsRefusedWithASentence() throws {
    let (predecessor, _) = try predecessor([offer(0, format: RestartOffer.currentFormat + 1)])
    let error = #expect(throws: StartupError.self) { try predecessor.readOffer() }
    #expect(error?.description.contains("of a version whose place this one cannot take") == true)
  }

  @Test func serverThatIsGoneIsNoticed() throws {
    let (predecessor, _) = try predecessor([offer(2), socket(.tcp(host: nil, port: 80))])
    let error = #expect(throws: StartupError.self) { try predecessor.readOffer() }
    #expect(error?.description == "the nacre that was to be replaced is gone.")
  }

  @Test func reasonArrivesThoughTheOfferWasNeverRead() throws {
    let old: Channel
    do {
      let (predecessor, other) = try predecessor([offer(1), socket(.tcp(host: nil, port: 80))])
      old = other
      predecessor.refuse("there is no option wokers.")
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Channel.capacity, alignment: 16)
    defer { buffer.deallocate() }
    guard case .message(let count, _) = old.receive(into: buffer) else {
      Issue.record("nothing came")
      return
    }
    var reader = WireReader(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    #expect(try RestartMessage(from: &reader) == .failed("there is no option wokers."))
  }
}
