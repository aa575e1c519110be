import CPerl
import HTTP1
import ProcessProtocol

/// Makes the PSGI environment of a request straight from the bytes of its head.
final class EnvironmentBuilder {
  let keys = EnvironmentKeys()
  /// What all environments have in common; each begins as a copy.
  private let template: OpaquePointer
  /// The input of all requests without a body.
  private var emptyInput: OpaquePointer?
  private let decoded = UnsafeMutableRawPointer.allocate(byteCount: 64 * 1024, alignment: 16)

  /// The body of a request.
  enum Body {
    case none
    /// A new string.
    case string(OpaquePointer, count: Int)
    /// A descriptor at its beginning, owned.
    case descriptor(Int32, count: Int)
  }

  init() {
    template = cp_new_hash(64)
    put("SCRIPT_NAME", makeString(""))
    put("psgi.version", cp_new_reference_taking(cp_new_pair(1, 1)))
    put("psgi.url_scheme", makeString("http"))
    put("psgi.errors", cp_new_standard_error())
    for (name, isTrue): (StaticString, Bool) in [
      ("psgi.multithread", false), ("psgi.multiprocess", true), ("psgi.run_once", false), ("psgi.streaming", true),
      ("psgi.nonblocking", false), ("psgix.input.buffered", true), ("psgix.harakiri", true), ("psgix.cleanup", true),
    ] {
      put(name, cp_new_integer(isTrue ? 1 : 0))
    }
    put("psgix.informational", cp_new_informer())
  }

  deinit { decoded.deallocate() }

  private func put(_ name: StaticString, _ value: OpaquePointer) {
    let key = makeKey(name)
    cp_hash_put(template, key, value)
    cp_release(key)
  }

  /// A new hash: the environment of the request whose head was parsed from `bytes`. Takes over the body.
  func makeEnvironment(
    _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ peer: Peer, _ body: Body
  ) -> OpaquePointer {
    let environment = cp_copy_hash(template)
    putBody(body, head, bytes, in: environment)
    putPeer(peer, in: environment)
    cp_hash_put(environment, keys.requestMethod, makeString(head.method.slice(of: bytes)))
    let version: StaticString = peer.isHTTP2 ? "HTTP/2" : head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1"
    cp_hash_put(environment, keys.serverProtocol, makeString(version))
    cp_hash_put(environment, keys.queryString, makeString(head.query.slice(of: bytes)))
    cp_hash_put(environment, keys.cleanupHandlers, cp_new_reference_taking(cp_new_array()))
    putFields(head, bytes, in: environment)
    putPath(head, bytes, in: environment)
    return environment
  }

  private func putPeer(_ peer: Peer, in environment: OpaquePointer) {
    cp_hash_put(environment, keys.serverName, makeString(peer.serverName))
    cp_hash_put(environment, keys.serverPort, makeString(peer.serverPort))
    cp_hash_put(environment, keys.remoteAddress, makeString(peer.remoteAddress))
    cp_hash_put(environment, keys.remotePort, makeString(peer.remotePort))
    if peer.isSecure {
      cp_hash_put(environment, keys.https, makeString("on"))
      cp_hash_put(environment, keys.urlScheme, makeString("https"))
    }
  }

  /// Shows the client that trusted proxies speak for, instead of the last of them.
  func put(_ forwarded: ForwardedFields, in environment: OpaquePointer) {
    if let address = forwarded.address {
      cp_hash_put(environment, keys.remoteAddress, makeString(address))
      cp_hash_put(environment, keys.remotePort, makeString(forwarded.port ?? "0"))
    }
    if let isSecure = forwarded.isSecure {
      cp_hash_put(environment, keys.urlScheme, isSecure ? makeString("https") : makeString("http"))
      // Unless the proxy itself came by TLS, there is none.
      if isSecure || cp_hash_get(environment, keys.https) != nil {
        cp_hash_put(environment, keys.https, isSecure ? makeString("on") : makeString("off"))
      }
    }
    if let host = forwarded.host { cp_hash_put(environment, keys.host, makeString(host)) }
    if let port = forwarded.serverPort { cp_hash_put(environment, keys.serverPort, makeString(port)) }
  }

  private func putFields(
    _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, in environment: OpaquePointer
  ) {
    for field in head.fields {
      let value = field.value.slice(of: bytes)
      switch field.known {
      // The body has been taken out of its chunks; CONTENT_LENGTH tells its length.
      case .contentLength, .transferEncoding, .host: break
      case .contentType:
        cp_hash_join(environment, keys.contentType, ", ", value.baseAddress, value.count)
      default:
        let (key, isOwned) = keys.key(of: field, in: bytes)
        cp_hash_join(environment, key, field.known == .cookie ? "; " : ", ", value.baseAddress, value.count)
        if isOwned { cp_release(key) }
      }
    }
    if let authority = head.authority {
      cp_hash_put(environment, keys.host, makeString(authority.slice(of: bytes)))
    }
  }

  private func putPath(
    _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, in environment: OpaquePointer
  ) {
    let path = head.path.slice(of: bytes)
    let count = PercentEncoding.decode(path, into: decoded) ?? decodeWhatCanBe(path)
    let isBareHost = head.targetForm == .absolute && path.isEmpty
    cp_hash_put(
      environment, keys.pathInfo,
      isBareHost ? makeString("/") : makeString(UnsafeRawBufferPointer(start: decoded, count: count)))
    // REQUEST_URI has neither scheme nor host (PSGI 1.1).
    let target = head.targetForm == .absolute ? ByteRange(Int(head.path.lower), Int(head.target.upper)) : head.target
    if isBareHost {
      cp_hash_put(environment, keys.requestURI, makeString("/"))
      let rest = target.slice(of: bytes)
      cp_hash_join(environment, keys.requestURI, "", rest.baseAddress, rest.count)
    } else {
      cp_hash_put(environment, keys.requestURI, makeString(target.slice(of: bytes)))
    }
  }

  /// A `%` that begins no escape stands for itself, as in Plack's own server.
  private func decodeWhatCanBe(_ path: UnsafeRawBufferPointer) -> Int {
    var (read, written) = (0, 0)
    while read < path.count {
      let isEscape = path[read] == UInt8(ascii: "%") && read + 3 <= path.count
      let escape = isEscape ? UnsafeRawBufferPointer(rebasing: path[read..<(read + 3)]) : nil
      if let escape, PercentEncoding.decode(escape, into: decoded + written) == 1 {
        read += 3
      } else {
        decoded.storeBytes(of: path[read], toByteOffset: written, as: UInt8.self)
        read += 1
      }
      written += 1
    }
    return written
  }

  private func putBody(
    _ body: Body, _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, in environment: OpaquePointer
  ) {
    switch body {
    case .none:
      cp_hash_put(environment, keys.input, makeEmptyInput())
      if head.isChunked || head.contentLength != nil {
        cp_hash_put(environment, keys.contentLength, makeString("0"))
      }
    case .string(let string, let count):
      cp_hash_put(environment, keys.input, cp_new_string_handle(string) ?? makeEmptyInput())
      cp_hash_put(environment, keys.contentLength, cp_new_integer(Int64(count)))
    case .descriptor(let descriptor, let count):
      cp_hash_put(environment, keys.input, cp_new_descriptor_handle(descriptor) ?? makeEmptyInput())
      cp_hash_put(environment, keys.contentLength, cp_new_integer(Int64(count)))
    }
  }

  /// A new reference to the shared handle, at its beginning; an application may have closed it.
  private func makeEmptyInput() -> OpaquePointer {
    if let handle = emptyInput, !cp_handle_is_open(handle) {
      cp_release(handle)
      emptyInput = nil
    }
    let handle = emptyInput ?? cp_new_string_handle(makeString("")) ?? cp_new_standard_error()
    emptyInput = handle
    cp_handle_rewind(handle)
    return cp_copy_reference(handle)
  }
}
