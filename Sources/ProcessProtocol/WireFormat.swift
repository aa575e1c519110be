/// Writes values one after another: integers little-endian, strings and byte runs after a 32-bit count.
public struct WireWriter {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []

  /// An empty writer.
  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  /// Writes an integer in its own width.
  public mutating func write<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
  /// Writes 1 or 0.
  public mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
  /// Writes a string's bytes after their count.
  public mutating func write(_ value: String) { write(bytes: Array(value.utf8)) }
  /// Writes bytes after their count.
  public mutating func write(bytes value: [UInt8]) {
    write(UInt32(value.count))
    bytes.append(contentsOf: value)
  }
  /// Writes a count and then every element.
  public mutating func write<T>(each values: [T], _ body: (inout WireWriter, T) -> Void) {
    write(UInt32(values.count))
    for value in values { body(&self, value) }
  }
}

/// A message that does not follow its format: a process of another version, or a bug.
public struct WireError: Error, Equatable, CustomStringConvertible {
  /// What was expected.
  public var description: String
  /// An error that expected this.
  public init(_ description: String) { self.description = description }
}

/// Reads what a ``WireWriter`` wrote.
public struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  /// A reader of memory that stays valid while it reads.
  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The bytes not yet read.
  public var remaining: Int { bytes.count - offset }

  /// Reads an integer in its own width.
  public mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw WireError("\(size) bytes for \(T.self), \(remaining) are left") }
    defer { offset += size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }
  /// Reads a truth value.
  public mutating func readBool() throws -> Bool { try read(UInt8.self) != 0 }
  /// Reads a string; bytes that are not UTF-8 are replaced.
  public mutating func readString() throws -> String { String(decoding: try readRun(), as: UTF8.self) }
  /// Reads bytes after their count.
  public mutating func readBytes() throws -> [UInt8] { Array(try readRun()) }
  /// Reads a count and then so many elements.
  public mutating func readEach<T>(_ body: (inout WireReader) throws -> T) throws -> [T] {
    let count = Int(try read(UInt32.self))
    var values: [T] = []
    values.reserveCapacity(min(count, remaining))
    for _ in 0..<count { values.append(try body(&self)) }
    return values
  }

  private mutating func readRun() throws -> UnsafeRawBufferPointer {
    let count = Int(try read(UInt32.self))
    guard remaining >= count else { throw WireError("a run of \(count) bytes, \(remaining) are left") }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }
}
