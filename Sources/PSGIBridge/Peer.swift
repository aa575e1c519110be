import CLinux
import Glibc
import ProcessProtocol

/// What a connection says about its two ends, as the text that an environment shows.
final class Peer {
  private(set) var isSecure = false
  private(set) var isUnix = false
  private(set) var isHTTP2 = false
  private let memory = UnsafeMutablePointer<CChar>.allocate(capacity: 4 * Peer.room)
  private static let room = 64
  private var counts = (remoteAddress: 0, remotePort: 0, serverName: 0, serverPort: 0)

  /// Without memory, which perl makes undef of, for a Unix socket: as Starman shows it.
  var remoteAddress: UnsafeRawBufferPointer {
    isUnix ? UnsafeRawBufferPointer(start: nil, count: 0) : text(0, counts.remoteAddress)
  }
  var remotePort: UnsafeRawBufferPointer { text(1, counts.remotePort) }
  /// The address that the connection came in on, as Starman shows it.
  var serverName: UnsafeRawBufferPointer { text(2, counts.serverName) }
  var serverPort: UnsafeRawBufferPointer { text(3, counts.serverPort) }

  deinit { memory.deallocate() }

  /// Turns to a connection.
  func begin(_ loan: Loan, descriptor: Int32) {
    isSecure = loan.isSecure
    isUnix = loan.family == .unix
    isHTTP2 = loan.isHTTP2
    counts.remoteAddress = write(loan.peerAddress, loan.family, at: 0)
    counts.remotePort = write(Int(loan.peerPort), at: 1)
    counts.serverName =
      isUnix
      ? write(0, at: 2)
      : loan.isPair ? write(loan.localAddress, loan.family, at: 2) : writeLocalAddress(of: descriptor)
    if counts.serverName == 0 { counts.serverName = write("localhost", at: 2) }
    counts.serverPort = write(Int(loan.localPort), at: 3)
  }

  private func text(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory + place * Self.room, count: count)
  }

  private func write(_ address: (UInt64, UInt64), _ family: Loan.Family, at place: Int) -> Int {
    var address = address
    switch family {
    case .unix: return 0
    case .ipv4: return write(&address, AF_INET, at: place)
    case .ipv6: return write(&address, AF_INET6, at: place)
    }
  }

  private func write(_ address: UnsafeRawPointer, _ family: Int32, at place: Int) -> Int {
    let start = memory + place * Self.room
    // inet_ntop prints with sprintf, which takes as long as the rest of an environment's text.
    if family == AF_INET {
      var count = 0
      for index in 0..<4 {
        if index > 0 {
          start[count] = CChar(UInt8(ascii: "."))
          count += 1
        }
        count += Self.write(Int(address.load(fromByteOffset: index, as: UInt8.self)), to: start + count)
      }
      return count
    }
    return inet_ntop(family, address, start, socklen_t(Self.room)) == nil ? 0 : strlen(start)
  }

  private func write(_ text: StaticString, at place: Int) -> Int {
    memcpy(memory + place * Self.room, text.utf8Start, text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }

  private func write(_ number: Int, at place: Int) -> Int { Self.write(number, to: memory + place * Self.room) }

  /// Writes a decimal number; returns the count of its digits.
  private static func write(_ number: Int, to start: UnsafeMutablePointer<CChar>) -> Int {
    var count = 1
    var power = 10
    while number >= power {
      count += 1
      power *= 10
    }
    var rest = number
    for index in (0..<count).reversed() {
      start[index] = CChar(0x30 + rest % 10)
      rest /= 10
    }
    return count
  }

  private func writeLocalAddress(of descriptor: Int32) -> Int {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { storage in
      let raw = UnsafeMutableRawPointer(storage)
      guard getsockname(descriptor, raw.assumingMemoryBound(to: sockaddr.self), &length) == 0 else { return 0 }
      switch Int32(storage.pointee.ss_family) {
      // The address stands behind family and port, for IPv6 behind the flow label too.
      case AF_INET: return write(raw + 4, AF_INET, at: 2)
      case AF_INET6:
        let isMapped = IPv6Address.isMapped((raw + 8).load(as: UInt64.self), (raw + 16).load(as: UInt64.self))
        return isMapped ? write(raw + 20, AF_INET, at: 2) : write(raw + 8, AF_INET6, at: 2)
      default: return 0
      }
    }
  }
}
