import ReloadModel
import SourceFiles

/// A number that stands for these changes and for what is on the disk there now; never 0.
func digest(of changes: [Changes.Change]) -> UInt64 {
  var hash = XXH64()
  func add(_ number: UInt64) { withUnsafeBytes(of: number) { hash.update($0) } }
  let disk = LocalDisk()
  for change in changes.sorted(by: { $0.path < $1.path }) {
    var path = change.path
    path.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
    add(UInt64(change.reason.rawValue))
    add(UInt64(disk.kind(of: path).rawValue))
    if let fingerprint = disk.fingerprint(of: path, previous: nil).fingerprint {
      add(fingerprint.hash)
      if change.reason == .retimed { add(UInt64(bitPattern: fingerprint.modified)) }
    }
    if let listing = disk.listingHash(of: path, countingLocks: false) { add(listing) }
  }
  return hash.digest() | 1
}
