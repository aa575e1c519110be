import CPerl
import HTTP1

/// Why what an application gave cannot be sent. Prints as a sentence that begins after "Nacre: ".
enum ResponseProblem: Error, CustomStringConvertible {
  case notAResponse
  case badStatus
  case badHeaders
  case oddHeaders
  case wideHeader
  case wideBody
  case badBody
  case openOutsideResponder
  case delayedTwice
  case neverResponded
  case notInformational
  case fault(ResponseFault)

  /// What `kind` complains about; nil if it is a response.
  init?(_ kind: cp_response_kind) {
    switch kind {
    case CP_RESPONSE_NONE: self = .notAResponse
    case CP_RESPONSE_BAD_HEADERS: self = .badHeaders
    case CP_RESPONSE_ODD_HEADERS: self = .oddHeaders
    case CP_RESPONSE_WIDE_HEADER: self = .wideHeader
    case CP_RESPONSE_WIDE_BODY: self = .wideBody
    case CP_RESPONSE_BAD_BODY: self = .badBody
    default: return nil
    }
  }

  var description: String {
    switch self {
    case .notAResponse:
      "the application returned no PSGI response: it must be [status, [headers], body] or a sub that takes a responder"
    case .badStatus: "the response's status is not a number from 100 to 999"
    case .badHeaders: "the response's headers are not an array reference"
    case .oddHeaders: "the response's headers are an odd number of elements; they must be name, value, name, value"
    case .wideHeader: "a response header contains wide characters; encode it, for example with Encode::encode_utf8"
    case .wideBody:
      "the response's body contains wide characters; encode it, for example with Encode::encode_utf8"
    case .badBody: "the response's body is neither an array reference nor a handle nor an object with getline"
    case .openOutsideResponder:
      "the response has two elements; only a response given to a responder may leave its body to be written"
    case .delayedTwice: "a responder was given a sub; it must be given [status, [headers], body] or [status, [headers]]"
    case .neverResponded: "the application's delayed response ended without calling its responder"
    case .notInformational: "the status of an informational response is one from 100 to 199, and not 101"
    case .fault(let fault): fault.description
    }
  }
}
