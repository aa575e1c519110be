import CPerl
import HTTP1

/// The keys of PSGI environments, made once per process in perl's table of shared strings.
final class EnvironmentKeys {
  let requestMethod = makeKey("REQUEST_METHOD")
  let pathInfo = makeKey("PATH_INFO")
  let requestURI = makeKey("REQUEST_URI")
  let queryString = makeKey("QUERY_STRING")
  let serverName = makeKey("SERVER_NAME")
  let serverPort = makeKey("SERVER_PORT")
  let serverProtocol = makeKey("SERVER_PROTOCOL")
  let remoteAddress = makeKey("REMOTE_ADDR")
  let remotePort = makeKey("REMOTE_PORT")
  let contentLength = makeKey("CONTENT_LENGTH")
  let contentType = makeKey("CONTENT_TYPE")
  let host = makeKey("HTTP_HOST")
  let requestID = makeKey("HTTP_X_REQUEST_ID")
  let https = makeKey("HTTPS")
  let urlScheme = makeKey("psgi.url_scheme")
  let input = makeKey("psgi.input")
  let errors = makeKey("psgi.errors")
  let connection = makeKey("psgix.io")
  let cleanupHandlers = makeKey("psgix.cleanup.handlers")
  let harakiriCommit = makeKey("psgix.harakiri.commit")

  /// The most names of clients' own invention that are remembered.
  private static let rememberedLimit = 256
  /// Each remembered name hashes to its place or to one soon after; a quarter of the places is used at most.
  private static let placeCount = 1024

  private struct Remembered {
    /// The key, `HTTP_` included; nil in a free place.
    var key: OpaquePointer?
    /// The key's own bytes.
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    var hash: UInt64 = 0
  }

  private let known: UnsafeMutablePointer<OpaquePointer?>
  private let places: UnsafeMutablePointer<Remembered>
  private var rememberedCount = 0
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024 + 8, alignment: 8)

  init() {
    known = .allocate(capacity: Int(UInt8.max) + 1)
    known.initialize(repeating: nil, count: Int(UInt8.max) + 1)
    places = .allocate(capacity: Self.placeCount)
    places.initialize(repeating: Remembered(), count: Self.placeCount)
    for name in FieldName.allCases where name != .other {
      let spelling = UnsafeRawBufferPointer(start: name.spelling.utf8Start, count: name.spelling.utf8CodeUnitCount)
      known[Int(name.rawValue)] = cp_new_key(scratch.baseAddress!, compose(spelling))
    }
  }

  /// The key of a field. `isOwned` says that the caller got a reference to give back.
  @inline(__always)
  func key(of field: RequestHead.Field, in bytes: UnsafeRawBufferPointer) -> (key: OpaquePointer, isOwned: Bool) {
    if let key = known[Int(field.known.rawValue)] { return (key, false) }
    return key(spelled: field.name.slice(of: bytes))
  }

  private func key(spelled name: UnsafeRawBufferPointer) -> (key: OpaquePointer, isOwned: Bool) {
    let count = compose(name)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in 5..<count { hash = (hash ^ UInt64(scratch[index])) &* 0x100_0000_01b3 }
    var place = Int(truncatingIfNeeded: (hash ^ hash >> 32) % UInt64(Self.placeCount))
    while let key = places[place].key {
      let found = places[place]
      if found.hash == hash, found.count == count, memcmpEqual(found.bytes!, count) { return (key, false) }
      place = (place + 1) % Self.placeCount
    }
    let key = cp_new_key(scratch.baseAddress!, count)
    guard rememberedCount < Self.rememberedLimit else { return (key, true) }
    rememberedCount += 1
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    copy.initialize(from: scratch.baseAddress!.assumingMemoryBound(to: UInt8.self), count: count)
    places[place] = Remembered(key: key, bytes: copy, count: count, hash: hash)
    return (key, false)
  }

  private func memcmpEqual(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count where bytes[index] != scratch[index] { return false }
    return true
  }

  /// Writes `HTTP_` and the name as a variable to the scratch memory; returns the length.
  private func compose(_ name: UnsafeRawBufferPointer) -> Int {
    let prefix: StaticString = "HTTP_"
    for index in 0..<5 { scratch[index] = prefix.utf8Start[index] }
    for index in 0..<name.count {
      let byte = name[index]
      scratch[5 + index] =
        byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte &- 0x61 < 26 ? byte & ~0x20 : byte
    }
    return 5 + name.count
  }
}
