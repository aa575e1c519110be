import CLinux
import Glibc
import ReloadModel

/// The hash of the names in a directory, sorted bytewise and joined with NUL bytes; nil when it cannot be listed.
/// `.`, `..` and what editors leave behind do not count.
public func listingHash(of directory: String) -> UInt64? {
  guard var names = rawNames(in: directory) else { return nil }
  names.sort { $0.lexicographicallyPrecedes($1) }
  var hasher = XXH64()
  for name in names {
    name.withUnsafeBytes { hasher.update($0) }  // with the NUL byte that ends it
  }
  return hasher.digest()
}

/// The names in a directory, without `.`, `..` and what editors leave behind, in the kernel's order; nil when it
/// cannot be listed.
public func names(in directory: String) -> [String]? {
  rawNames(in: directory)?.map { String(decoding: $0.dropLast(), as: UTF8.self) }
}

/// Names as bytes, each with the NUL byte that ends it.
private func rawNames(in directory: String) -> [[UInt8]]? {
  guard let stream = opendir(directory) else { return nil }
  defer { closedir(stream) }
  var names: [[UInt8]] = []
  while let entry = readdir(stream) {
    let name = bytesOfName(entry)
    guard let first = name.first, first != 0, !EditorLeavings.matches(name.dropLast()) else { continue }
    if name == [UInt8(ascii: "."), 0] || name == [UInt8(ascii: "."), UInt8(ascii: "."), 0] { continue }
    names.append(name)
  }
  return names
}

private func bytesOfName(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
  // Through the entry's address: the record that the kernel gave ends with the name, not with the struct.
  let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
  let start = UnsafeRawPointer(entry).advanced(by: offset)
  let count = strlen(start.assumingMemoryBound(to: CChar.self)) + 1
  return Array(UnsafeRawBufferPointer(start: start, count: count))
}
