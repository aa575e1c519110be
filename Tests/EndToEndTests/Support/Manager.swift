import CLinux
import Foundation
import Glibc

/// A service manager's socket.
final class Manager {
  let path: String
  private let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
  private var heard = ""

  init(_ path: String) throws {
    self.path = path
    let result = withUnsafePointer(to: sockaddr_un(path: path)) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw Stuck("cannot bind \(path)") }
  }

  deinit { close(socket) }

  /// Waits until these lines have come, in this order.
  func hears(_ lines: String...) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    return eventually {
      while case let count = recv(socket, &buffer, buffer.count, 0), count > 0 {
        heard += String(decoding: buffer[..<count], as: UTF8.self)
      }
      var rest = Substring(heard)
      for line in lines {
        guard let range = rest.range(of: line) else { return false }
        rest = rest[range.upperBound...]
      }
      heard = String(rest)
      return true
    }
  }
}
