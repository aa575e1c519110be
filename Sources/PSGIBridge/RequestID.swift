import Glibc
import HTTP1

/// The id of the request in hand: 32 hexadecimal digits, or what a trusted proxy has given it.
final class RequestID {
  /// The longest id that is taken from somebody else, in bytes.
  static let longest = 128

  private var state: UInt64
  private let worker: UInt64
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestID.longest, alignment: 8)
  private var count = 0

  /// Each worker draws its own start from the system: what was drawn before the fork would be everybody's.
  init() {
    state = .random(in: .min ... .max)
    worker = .random(in: .min ... .max)
  }

  deinit { memory.deallocate() }

  /// The id's bytes.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  /// Makes a new one. No system call: an id tells requests apart, and is no secret.
  func make() {
    // SplitMix64: every number comes once before one comes again.
    state &+= 0x9E37_79B9_7F4A_7C15
    var number = state
    number = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
    number = (number ^ number >> 27) &* 0x94D0_49BB_1331_11EB
    count = 0
    write(worker)
    write(number ^ number >> 31)
  }

  /// Takes over somebody else's; false if it is none that can be logged as it is.
  func take(_ given: UnsafeRawBufferPointer) -> Bool {
    guard !given.isEmpty, given.count <= Self.longest, given.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      return false
    }
    memory.copyMemory(from: given)
    count = given.count
    return true
  }

  private func write(_ number: UInt64) {
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 0xF
      memory[count] = digit + (digit < 10 ? 0x30 : 0x57)
      count += 1
    }
  }
}
