/// The names that editors and tools leave beside the file they save. They never mean that anything changed.
public enum EditorLeavings {
  /// Whether a file of this name (without its directory) is an editor's leaving.
  public static func matches(_ name: String) -> Bool {
    matches(name.utf8)
  }

  /// The same for bytes as `readdir` gives them.
  public static func matches(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    guard let first = name.first, let last = name.last else { return false }
    switch first {
    case UInt8(ascii: "."): if isHiddenLeaving(name) { return true }
    case UInt8(ascii: "#"): if last == UInt8(ascii: "#") && name.count > 1 { return true }  // emacs: auto-save
    case UInt8(ascii: "4"): if name.elementsEqual("4913".utf8) { return true }  // vim: may it create files here?
    case UInt8(ascii: "s"): if isTemporary(name, "sed", count: 6) { return true }
    case UInt8(ascii: "t"): if isTemporary(name, "tmp", count: 6) { return true }  // emacs: file-precious-flag
    case UInt8(ascii: "X"): if isTemporary(name, "XX", count: 6) { return true }  // perl -i, from 5.28 on
    default: break
    }
    if last == UInt8(ascii: "~") { return true }  // vim, emacs, nano, joe: backup
    if last == UInt8(ascii: "p") && ends(name, ".vsctmp") { return true }  // VS Code
    return last == UInt8(ascii: "_") && jetBrains.contains { ends(name, $0) }
  }

  /// Whether it is a lock of Emacs (`.#App.pm`, a link to nowhere), the one leaving that ends like the file beside which
  /// it stands: code that lists a directory may take it for one of its files.
  public static func isLock(_ name: some BidirectionalCollection<UInt8>) -> Bool { starts(name, ".#") }

  // Programs whose temporary file has a name that people give files, too (patch's x.oA1b2C3, Qt's x.aBcDeF), are not
  // here: they rename it at once, and what appears and vanishes in one burst changes nothing.

  private static let jetBrains = ["___jb_tmp___", "___jb_old___", "___jb_bak___"]

  private static func isHiddenLeaving(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    isLock(name) || isSwapFileOfVim(name) || ends(name, ".kate-swp")
      || starts(name, ".goutputstream-")  // GLib (gedit, Geany ...)
      || (starts(name, ".subl") && ends(name, ".tmp"))  // Sublime Text
      || starts(name, ".nfs0") || starts(name, ".fuse_hidden")  // an open file that was removed
      || isTemporaryOfRsync(name) || starts(name, ".syncthing.") || starts(name, ".unison.")
      || starts(name, ".mutagen-temporary") || starts(name, ".~lock.")  // LibreOffice
  }

  /// `.App.pm.swp`; vim goes on with `.swo`, `.swn` ..., and tries `.swx` and `.swpx` when it starts.
  private static func isSwapFileOfVim(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    let end = Array(name.suffix(4))
    return ends(name, ".swpx") || (end.starts(with: ".sw".utf8) && end.count == 4 && isLowercase(end[3]))
  }

  /// `sedXk3PqZ`: a prefix and some random letters or digits. All small letters are taken for a word.
  private static func isTemporary(_ name: some BidirectionalCollection<UInt8>, _ prefix: String, count: Int) -> Bool {
    guard name.count == prefix.utf8.count + count, starts(name, prefix) else { return false }
    let random = name.dropFirst(prefix.utf8.count)
    return random.allSatisfy { isLowercase($0) || isUppercaseOrDigit($0) } && random.contains(where: isUppercaseOrDigit)
      && (prefix == "sed" || random.contains(where: isUppercase) && random.contains(where: isLowercase))
  }

  /// `.App.pm.1cWNSD`: six random letters or digits after the name. Without a capital it may be a name of its own.
  private static func isTemporaryOfRsync(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    guard name.count > 8, let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
    let random = name[name.index(after: dot)...]
    return random.count == 6 && random.allSatisfy { isLowercase($0) || isUppercaseOrDigit($0) }
      && random.contains(where: isUppercase)
  }

  private static func isUppercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }

  private static func isLowercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }

  private static func isUppercaseOrDigit(_ byte: UInt8) -> Bool {
    (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")) || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
  }

  private static func starts(_ name: some Collection<UInt8>, _ start: String) -> Bool {
    name.starts(with: start.utf8)
  }

  private static func ends(_ name: some BidirectionalCollection<UInt8>, _ end: String) -> Bool {
    name.suffix(end.utf8.count).elementsEqual(end.utf8)
  }
}
