import CLinux
import Glibc
import ProcessProtocol
import Switchboard

/// The server that this one is to replace: `nacre restart` has had it start this one.
public final class Predecessor {
  /// The variable that names the descriptor of the channel.
  static let variable = "NACRE_SUCCEEDS"

  /// How far that is.
  enum Stage {
    /// This server loads the application.
    case loading
    /// It could serve, and has said so.
    case ready
    /// It serves.
    case serving
    /// The old one knows, and has nothing to do with the service any more.
    case leading
  }

  let channel: Channel
  var stage = Stage.loading
  /// Whether the other end of the channel is closed.
  var isGone = false
  private(set) var offer = RestartOffer(pid: 0, keeper: 0, control: "", sockets: 0)
  private var offered: [(socket: OfferedSocket, descriptor: Int32)] = []

  /// The server that has started this one; nil if none has. To be called before any other program is started.
  public static func take() -> Predecessor? {
    guard let text = getenv(variable).map({ String(cString: $0) }) else { return nil }
    unsetenv(variable)
    guard let descriptor = Int32(text), descriptor > 2, cl_set_close_on_exec(descriptor, true) == 0 else { return nil }
    return Predecessor(channel: Channel(descriptor: descriptor))
  }

  init(channel: Channel) { self.channel = channel }

  /// Whether this server serves nobody yet.
  var isAwaited: Bool { stage == .loading || stage == .ready }

  // MARK: What it offers

  /// Receives what there is to take over.
  public func readOffer() throws(StartupError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Channel.capacity, alignment: 16)
    defer { buffer.deallocate() }
    guard case .offer(let offer)? = receive(buffer)?.message, offer.format == RestartOffer.currentFormat else {
      throw StartupError(
        "the nacre that runs is of a version whose place this one cannot take: stop it, and start this one.")
    }
    self.offer = offer
    for _ in 0..<offer.sockets {
      guard let (message, descriptors) = receive(buffer), case .socket(let socket) = message,
        let descriptor = descriptors.first
      else { throw StartupError("the nacre that was to be replaced is gone.") }
      offered.append((socket, descriptor))
    }
  }

  private func receive(_ buffer: UnsafeMutableRawBufferPointer) -> (message: RestartMessage, descriptors: [Int32])? {
    var entry = pollfd(fd: channel.descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&entry, 1, -1) < 0, errno == EINTR {}
    guard case .message(let count, let descriptors) = channel.receive(into: buffer) else { return nil }
    var reader = WireReader(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    return (try? RestartMessage(from: &reader)).map { ($0, descriptors) }
  }

  /// The sockets that somebody else has bound for the old server.
  public func takeInherited() -> [ListeningSocket] {
    let inherited = offered.filter { $0.socket.isInherited && $0.socket.purpose == .serving }
    offered.removeAll { $0.socket.isInherited && $0.socket.purpose == .serving }
    return inherited.map {
      ListeningSocket(descriptor: $0.descriptor, address: $0.socket.address, isInherited: true)
    }
  }

  /// The sockets to listen on: the old server's where it listens on these addresses, and new ones for the others.
  public func listen(
    on addresses: [ListenAddress], _ settings: ListeningSocket.Settings
  ) throws(StartupError) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    for address in addresses {
      if let socket = take(address, for: .serving) {
        sockets.append(socket)
      } else {
        sockets += try ListeningSocket.listen(on: [address], settings)
      }
    }
    return sockets
  }

  /// The old server's socket for an address.
  func take(_ address: ListenAddress, for purpose: OfferedSocket.Purpose) -> ListeningSocket? {
    guard
      let index = offered.firstIndex(where: {
        $0.socket.purpose == purpose && !$0.socket.isInherited && address.isMet(by: $0.socket.address)
      })
    else { return nil }
    let (socket, descriptor) = offered.remove(at: index)
    return ListeningSocket(descriptor: descriptor, address: socket.address, takesFile: socket.hasFile)
  }

  /// Closes what is of no use here: this server has taken over, and listens somewhere else.
  func dropOffered() {
    for (socket, descriptor) in offered {
      close(descriptor)
      if socket.hasFile, case .unix(let path) = socket.address { unlink(path) }
    }
    offered = []
  }

  // MARK: What it is told

  /// This server cannot take over, for this reason.
  public func refuse(_ reason: String) {
    guard isAwaited else { return }
    // What is not received when this end is closed resets the channel, and the reason would be lost with it.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Channel.capacity, alignment: 16)
    defer { buffer.deallocate() }
    while case .message(_, let descriptors) = channel.receive(into: buffer) {
      for descriptor in descriptors { close(descriptor) }
    }
    _ = channel.send(.failed(reason))
  }
}

extension ListenAddress {
  /// Whether a socket that is bound there is what this address asks for; port 0 asks for any.
  fileprivate func isMet(by bound: ListenAddress) -> Bool {
    switch (self, bound) {
    case (.tcp(let host, 0), .tcp(let other, _)): host == other
    default: self == bound
    }
  }
}
