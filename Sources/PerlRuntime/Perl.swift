/// The interpreter that is current in this thread.
public enum Perl {
  /// Calls a sub (a borrowed code reference) in scalar context without arguments.
  public static func call(_ code: OpaquePointer) -> PerlOutcome {
    var value: OpaquePointer?
    var status: Int32 = 0
    switch cp_call(code, nil, 0, &value, &status) {
    case CP_RETURNED: return .returned(PerlValue(owning: value!))
    case CP_DIED: return .died(PerlValue(owning: value!))
    default: return .exited(status: status)
    }
  }

  /// Calls a method of a class in scalar context with these strings.
  public static func call(method: String, of name: String, _ words: [String]) -> PerlOutcome {
    let invocant = PerlValue(owning: string(name))
    let arguments = words.map { string($0) }
    defer { for argument in arguments { cp_release(argument) } }
    var value: OpaquePointer?
    var status: Int32 = 0
    switch cp_call_method(invocant.pointer, method, arguments, Int32(arguments.count), &value, &status) {
    case CP_RETURNED: return .returned(PerlValue(owning: value!))
    case CP_DIED: return .died(PerlValue(owning: value!))
    default: return .exited(status: status)
    }
  }

  /// Calls a sub (a borrowed code reference) for what it does. What it returns or dies with is given back here, guarded:
  /// destructors may run.
  public static func run(_ code: OpaquePointer) -> PerlEnd {
    var value: OpaquePointer?
    var status: Int32 = 0
    let outcome = cp_call(code, nil, 0, &value, &status)
    let message = outcome == CP_DIED ? PerlValue.text(of: value!) : ""
    if outcome == CP_EXITED || cp_release_guarded(value, &status) == CP_EXITED { return .exited(status: status) }
    return outcome == CP_DIED ? .died(message: message) : .returned
  }

  /// Defines a sub that is written in Swift; see `cp_function` for what it takes and gives.
  public static func define(_ name: String, _ function: @escaping cp_function) { cp_define(name, function) }

  /// A new string value.
  public static func string(_ text: String) -> OpaquePointer {
    var text = text
    return text.withUTF8 { cp_new_bytes($0.baseAddress, $0.count) }
  }

  /// The entries of `@INC` in order; nil stands for a reference (a hook).
  public static func includeDirectories() -> [String?] {
    (0..<cp_include_count()).map { index in
      var count = 0
      guard let bytes = cp_include_directory(index, &count) else { return nil }
      return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
  }

  /// What `%INC` says of a key.
  public enum Loaded: Equatable {
    /// Never asked for, or its file returned a false value.
    case no
    /// Loaded, or being loaded, from this path (as perl has it: perhaps relative).
    case from(String)
    /// A hook in `@INC` gave it and left a reference.
    case byHook
    /// Its load failed before; perl refuses to try again.
    case failed
  }

  /// What `%INC` says of a key such as `My/App.pm`.
  public static func loaded(_ key: String) -> Loaded {
    var key = key
    var bytes: UnsafePointer<CChar>?
    var count = 0
    switch key.withUTF8({
      $0.withMemoryRebound(to: CChar.self) { cp_inc_value($0.baseAddress!, $0.count, &bytes, &count) }
    }) {
    case 1: return .from(String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self))
    case 2: return .byHook
    case 3: return .failed
    default: return .no
    }
  }

  /// The keys and paths of `%INC`, in no particular order.
  public static func loadedFiles() -> [(key: String, path: String)] {
    var files: [(key: String, path: String)] = []
    withUnsafeMutablePointer(to: &files) { list in
      cp_each_inc(list) { context, key, keyCount, path, count in
        let list = context!.assumingMemoryBound(to: [(key: String, path: String)].self)
        list.pointee.append(
          (
            String(decoding: UnsafeRawBufferPointer(start: key, count: keyCount), as: UTF8.self),
            String(decoding: UnsafeRawBufferPointer(start: path, count: count), as: UTF8.self)
          ))
      }
    }
    return files
  }

  /// The names and values of `%ENV`.
  public static func environment() -> [String: String] {
    var all: [String: String] = [:]
    withUnsafeMutablePointer(to: &all) { list in
      cp_each_environment(list) { context, name, nameCount, value, count in
        let list = context!.assumingMemoryBound(to: [String: String].self)
        list.pointee[String(decoding: UnsafeRawBufferPointer(start: name, count: nameCount), as: UTF8.self)] =
          String(decoding: UnsafeRawBufferPointer(start: value, count: count), as: UTF8.self)
      }
    }
    return all
  }

  /// Writes to perl's standard error.
  public static func warn(_ text: String) {
    let text = PerlValue(owning: string(text))
    cp_warn(text.pointer)
  }

  /// Runs the `END` blocks, flushes and leaves the process; `idly`, if nobody waits for its end.
  public static func leave(status: Int32, destructing: Bool, idly: Bool = false) -> Never {
    cp_leave(status, destructing, idly)
  }
}
