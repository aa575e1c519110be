import CLinux
import Glibc
public import ReloadModel

/// How long after a file's last change its status may still hide another one: kernels count file times in ticks of up
/// to 10 ms, so two writes of equal size within one tick look alike.
private let racyNanoseconds: Int64 = 50_000_000

/// The state of the file at `path`, links followed.
///
/// The content is hashed only when the status differs from that of `previous`; otherwise `previous` is the answer.
/// A fingerprint that is taken within 50 ms of the file's last change, or while the file is being written, gets a
/// `changed` of 0: no later status equals it, so that the next look hashes again. (git calls such an entry "racily
/// clean".) Anything but a plain file is never opened: it has a fingerprint of its device and inode alone.
public func fingerprint(of path: String, previous: Fingerprint? = nil) -> FileState {
  let status: FileStatus
  switch FileStatus.status(of: path) {
  case .success(let found): status = found
  case .failure(let error): return error.meansMissing ? .missing : .unreadable(errno: error.number)
  }
  guard status.isFile else {
    return .present(
      Fingerprint(device: status.device, inode: status.inode, size: 0, modified: 0, changed: 0, hash: 0))
  }
  if let previous, previous.sameStatus(as: status.fingerprint(hash: previous.hash)) {
    return .present(previous)
  }
  let state: FileState? = SpareDescriptor.sparing {
    // Not blocking: between the look above and this call the file may have been replaced by a FIFO.
    let descriptor = openForReading(path)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return fingerprint(ofOpen: descriptor)
  }
  if let state { return state }
  let error = SystemErrorNumber(errno)
  return error.meansMissing ? .missing : .unreadable(errno: error.number)
}

/// The state of an open file; its offset is left alone.
public func fingerprint(ofOpen descriptor: Int32) -> FileState {
  guard var before = FileStatus.status(ofDescriptor: descriptor) else { return .unreadable(errno: errno) }
  guard before.isFile else {
    return .present(
      Fingerprint(device: before.device, inode: before.inode, size: 0, modified: 0, changed: 0, hash: 0))
  }
  var attempts = 3
  while true {
    switch contentHash(ofOpen: descriptor) {
    case .failure(let error): return .unreadable(errno: error.number)
    case .success(let (hash, size)):
      guard let after = FileStatus.status(ofDescriptor: descriptor) else { return .unreadable(errno: errno) }
      attempts -= 1
      var result = after.fingerprint(hash: hash)
      result.size = size
      if after == before && size == after.size {
        if now() - after.changed < racyNanoseconds { result.changed = 0 }
        return .present(result)
      }
      // Written while it was read. A file that never rests must not hold up the caller either.
      if attempts == 0 {
        result.changed = 0
        return .present(result)
      }
      before = after
    }
  }
}

extension FileStatus {
  func fingerprint(hash: UInt64) -> Fingerprint {
    Fingerprint(device: device, inode: inode, size: size, modified: modified, changed: changed, hash: hash)
  }
}

/// The wall clock that file times are taken from, in nanoseconds since the epoch.
private func now() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

func openForReading(_ path: String) -> Int32 {
  open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
}

/// XXH64 of the whole content and the number of bytes that were read.
private func contentHash(ofOpen descriptor: Int32) -> Result<(hash: UInt64, size: UInt64), SystemErrorNumber> {
  withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
    var hasher = XXH64()
    var offset: Int64 = 0
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count < 0 {
        if errno == EINTR { continue }
        return .failure(SystemErrorNumber(errno))
      }
      if count == 0 { return .success((hasher.digest(), UInt64(offset))) }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
      offset += Int64(count)
    }
  }
}
