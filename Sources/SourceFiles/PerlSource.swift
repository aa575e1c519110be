import CLinux
import Glibc

/// The endings of files that hold Perl, whatever they begin with.
private let endings = [".pl", ".cgi", ".fcgi", ".plx", ".pm", ".psgi"]

/// Whether a file holds Perl, by its name or by a first line that asks for it (`#!/usr/bin/perl -T`).
public func isPerlSource(_ path: String) -> Bool {
  if endings.contains(where: { path.utf8.count > $0.utf8.count && path.hasSuffix($0) }) { return true }
  guard case .success(let status) = FileStatus.status(of: path), status.isFile else { return false }
  let descriptor = openForReading(path)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
    let count = max(0, pread(descriptor, buffer.baseAddress!, buffer.count, 0))
    let line = String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    return line.hasPrefix("#!") && line.contains("perl")
  }
}
