import CLinux
import Glibc

/// What the system says a socket is bound to.
enum SocketName: Equatable {
  case tcp(host: String, port: UInt16)
  /// No path: a socket without a name in the file system.
  case unix(path: String?)

  var port: UInt16 {
    switch self {
    case .tcp(_, let port): port
    case .unix: 0
    }
  }

  /// The name of a socket; nil if it is none, or of another family.
  static func of(_ descriptor: Int32) -> SocketName? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { memory in
      guard getsockname(descriptor, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
        return nil
      }
      // Family and port lie at the same place in sockaddr_in and sockaddr_in6; the address follows, for IPv6 behind
      // the flow label.
      let port = UInt16(bigEndian: memory.load(fromByteOffset: 2, as: UInt16.self))
      switch Int32(memory.load(as: sa_family_t.self)) {
      case AF_INET: return .tcp(host: text(AF_INET, memory.baseAddress! + 4), port: port)
      case AF_INET6: return .tcp(host: text(AF_INET6, memory.baseAddress! + 8), port: port)
      case AF_UNIX:
        let path = memory[2..<max(2, Int(length))].prefix { $0 != 0 }
        return .unix(path: path.isEmpty ? nil : String(decoding: path, as: UTF8.self))
      default: return nil
      }
    }
  }

  private static func text(_ family: Int32, _ address: UnsafeRawPointer) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      inet_ntop(family, address, buffer.baseAddress!, 64).map { String(cString: $0) } ?? ""
    }
  }
}
