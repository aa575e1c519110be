public import Glibc

/// The user and the group that a server runs as when it was started by root.
public struct Account: Equatable, Sendable {
  /// The user's number; nil to stay who one is.
  public var user: uid_t?
  /// The group's number; nil to keep it, or the user's own if there is a user.
  public var group: gid_t?
  /// The user's name, for its further groups.
  var name: String?

  /// Finds the account. Each is a name or a number; nil if neither is given.
  ///
  /// - Parameter isAssumed: Whether this process has been started as that account, by a server that has become it.
  public init?(user: String?, group: String?, isAssumed: Bool = false) throws(StartupError) {
    guard user != nil || group != nil, !isAssumed || getuid() == 0 else { return nil }
    guard getuid() == 0 else {
      throw StartupError("only root can become somebody else: leave --user and --group out, or start nacre as root.")
    }
    if let user {
      guard let entry = uid_t(user).map({ getpwuid($0) }) ?? getpwnam(user) else {
        throw StartupError("there is no user \(user) on this machine.")
      }
      (self.user, self.group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
      name = String(cString: entry.pointee.pw_name)
    }
    if let group {
      guard let entry = gid_t(group).map({ getgrgid($0) }) ?? getgrnam(group) else {
        throw StartupError("there is no group \(group) on this machine.")
      }
      self.group = entry.pointee.gr_gid
    }
  }

  /// Becomes it, for good.
  public func assume() throws(StartupError) {
    if let group {
      let groups = name.map { initgroups($0, group) } ?? setgroups(1, [group])
      guard groups == 0, setgid(group) == 0 else { throw Self.failure("group \(group)") }
    }
    if let user {
      guard setuid(user) == 0, user == 0 || setuid(0) != 0 else { throw Self.failure("user \(user)") }
    }
  }

  private static func failure(_ what: String) -> StartupError {
    StartupError("the server cannot become \(what): \(String(cString: strerror(errno))).")
  }
}
