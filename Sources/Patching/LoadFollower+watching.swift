import ReloadModel
import SourceFiles

// Whose changes matter.
extension LoadFollower {
  /// Whether changes of a file matter.
  func isWatched(_ number: Int) -> Bool {
    if number < watchedOrNot.count, let known = watchedOrNot[number] { return known }
    let file = files[number]
    let isWatched = !isOwn(file) && (asked[file.key] ?? (claimed.contains(number) || rules.isWatched(file.path)))
    while watchedOrNot.count <= number { watchedOrNot.append(nil) }
    watchedOrNot[number] = isWatched
    return isWatched
  }

  /// By number, whether changes of the files matter.
  func areWatched() -> [Bool] {
    let known = watchedOrNot
    return files.indices.map { ($0 < known.count ? known[$0] : nil) ?? isWatched($0) }
  }

  /// Whether it is one of Nacre's files, perhaps by a link.
  private func isOwn(_ file: SourceRecord) -> Bool {
    if WatchRules.contains(ownDirectory, file.path) { return true }
    return file.key.contains("Nacre")
      && WatchRules.contains(ownDirectory, realPath(of: file.path) ?? file.path)
  }

  /// Whether anybody is told when the file changes: also for libraries, where the host wants that.
  func minds(_ number: Int) -> Bool {
    if isWatched(number) { return true }
    let file = files[number]
    return mindsLibraries && asked[file.key] != false && !isOwn(file)
      && !WatchRules.isOfKernel(file.path)
  }

  /// A file that is loaded again is one of the project's from now on.
  func claim(_ number: Int) {
    if isWatched(number) { return }
    claimed.insert(number)
    watchedOrNot[number] = true
  }

  /// Somebody has said whether a file is to be watched.
  func noteAsked(_ key: String) {
    version += 1
    watchedOrNot = []
    guard let number = numbers[key] else { return }
    files.changed.insert(number)
    guard files[number].isLoaded, files[number].fingerprint == nil, isWatched(number)
    else { return }
    files[number].fingerprint = SourceFiles.fingerprint(of: files[number].path).fingerprint
  }
}
