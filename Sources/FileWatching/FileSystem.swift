import CLinux
import Glibc

/// File systems whose content can change without an inotify event here: on another machine, in the host of a virtual
/// machine, or in what a FUSE program shows.
enum FileSystem {
  /// By `f_type` of `statfs(2)`; the numbers are those of linux/magic.h and of the file systems' own sources.
  private static let namesByType: [UInt32: String] = [
    0x6969: "NFS", 0x0102_1997: "9p", 0x6573_5546: "FUSE or virtiofs", 0x517B: "SMB", 0xFF53_4D42: "CIFS",
    0xFE53_4D42: "SMB2", 0x5346_414F: "AFS", 0x6B41_4653: "AFS", 0x00C3_6400: "Ceph", 0x0BD0_0BD0: "Lustre",
    0x786F_4256: "vboxsf", 0xBACB_ACBC: "vmhgfs", 0x0116_1970: "GFS2", 0x7461_636F: "OCFS2", 0x7C7C_6673: "prl_fs",
    0x7375_7245: "Coda", 0x4750_4653: "GPFS", 0x1983_0326: "BeeGFS", 0xAAD7_AAEA: "PanFS",
  ]

  /// The name of the file system at `path`, if it is one of them.
  static func withoutEvents(_ path: String) -> String? {
    var buffer = statfs()
    guard statfs(path, &buffer) == 0 else { return nil }
    return name(ofType: UInt32(truncatingIfNeeded: buffer.f_type))
  }

  /// The name of the file system of this type, if it is one of them.
  static func name(ofType type: UInt32) -> String? { namesByType[type] }
}
