/// Why bytes from a client are not a request that is served. Whoever meets one answers with ``status`` and closes the
/// connection, for nobody knows where the next request would begin.
public enum Refusal: UInt8, Error, Equatable, CaseIterable, Sendable {
  case badLineEnd, tooManyEmptyLines, badMethod, methodTooLong, connectNotSupported
  case badTarget, targetTooLong, badVersion, versionNotSupported
  case badFieldName, underscoreInFieldName, spaceBeforeColon, foldedField, badFieldValue, tooManyFields, headTooLarge
  case missingHost, repeatedHost, badHost
  case badContentLength, repeatedContentLength, lengthAndTransferEncoding
  case badTransferEncoding, transferEncodingInHTTP10, transferCodingNotSupported, expectationNotSupported
  case bodyTooLarge, badChunkSize, badChunkExtension, chunkExtensionsTooLong, badChunkEnd, badTrailer, trailerTooLong

  /// The status of the answer.
  public var status: Int {
    switch self {
    case .bodyTooLarge: 413
    case .targetTooLong: 414
    case .expectationNotSupported: 417
    case .tooManyFields, .headTooLarge, .trailerTooLong: 431
    case .methodTooLong, .connectNotSupported, .transferCodingNotSupported: 501
    case .versionNotSupported: 505
    default: 400
    }
  }

  /// One sentence for the client, without a line end.
  public var explanation: StaticString {
    switch self {
    case .badLineEnd: "A line of the request does not end in CR LF."
    case .tooManyEmptyLines: "There are too many empty lines before the request."
    case .badMethod: "The request does not begin with a method."
    case .methodTooLong: "The request method is too long."
    case .connectNotSupported: "This server is not a proxy: it does not serve CONNECT."
    case .badTarget: "The request target is not valid."
    case .targetTooLong: "The request target is too long."
    case .badVersion: "The request line does not end in an HTTP version."
    case .versionNotSupported: "This server speaks HTTP/1.0 and HTTP/1.1."
    case .badFieldName: "A header field's name is not valid."
    case .underscoreInFieldName: "A header field's name contains an underscore; write a hyphen."
    case .spaceBeforeColon: "There is white space before the colon of a header field."
    case .foldedField: "A header field is folded over several lines."
    case .badFieldValue: "A header field's value contains a control character."
    case .tooManyFields: "The request has too many header fields."
    case .headTooLarge: "The request head is too large."
    case .missingHost: "The request has no Host field."
    case .repeatedHost: "The request has more than one Host field."
    case .badHost: "The request's host is not valid."
    case .badContentLength: "The Content-Length is not a number."
    case .repeatedContentLength: "The request has more than one Content-Length field."
    case .lengthAndTransferEncoding: "The request has both Content-Length and Transfer-Encoding."
    case .badTransferEncoding: "The Transfer-Encoding is not valid."
    case .transferEncodingInHTTP10: "HTTP/1.0 knows no Transfer-Encoding."
    case .transferCodingNotSupported: "The only transfer coding that this server knows is chunked."
    case .expectationNotSupported: "The only expectation that this server meets is 100-continue."
    case .bodyTooLarge: "The request body is too large."
    case .badChunkSize: "A chunk's size is not a hexadecimal number."
    case .badChunkExtension: "A chunk's extension is not valid."
    case .chunkExtensionsTooLong: "The chunk extensions are too long."
    case .badChunkEnd: "A chunk's data does not end where its size says."
    case .badTrailer: "The trailer section is not valid."
    case .trailerTooLong: "The trailer section is too long."
    }
  }
}
