import CPerl
import PerlRuntime

// Where a sub goes that a load has made again.
extension Transaction {
  /// The slots that have a sub or the value of a constant.
  typealias Holders = [OpaquePointer: [cp_slot]]

  /// Brings a sub that the load has made again to where the old one was, and takes one that is gone from there. The names
  /// under which it was known, and is; nil if it is what it was.
  func land(_ sub: Lifted, _ holders: Holders) -> [String]? {
    let (glob, head) = (cp_lifted_glob(sub.number), cp_lifted_head(sub.number))
    var names = [sub.name] + (holders[head] ?? []).map(table.fullName)
    switch cp_lifted_state_of(sub.number) {
    case CP_LIFTED_OTHER:
      let code = cp_glob_code(glob)!
      names += (holders[code] ?? []).map(table.fullName)
      if cp_is_foreign(code, glob) || cp_has_body(head) {
        relink(head, to: code, except: glob, holders)
      } else {
        replace(head, by: code, sub, holders)
      }
    case CP_LIFTED_REMOVED where sub.end == .comesBack:
      cp_lifted_put_back(sub.number)
      return nil
    case CP_LIFTED_REMOVED:
      relink(head, to: nil, except: glob, holders)
    default: break
    }
    return names
  }

  /// A body that another head has: it goes into the old head, which others may hold, if nobody holds the new one.
  private func replace(_ head: OpaquePointer, by code: OpaquePointer, _ sub: Lifted, _ holders: Holders) {
    let glob = cp_lifted_glob(sub.number)
    put(head, whereNowIs: code, except: glob, holders)
    if cp_reference_count(code) == 1 && !cp_is_weakly_referenced(code) {
      cp_lifted_adopt(sub.number)
      return
    }
    put(code, whereNowIs: code, except: glob, holders)
    relink(head, to: code, except: glob, holders)
    // Who has kept a reference to the old one can at least call it.
    cp_retain(code)
    cp_lifted_put_back(sub.number)
    cp_put_code(glob, code)
    cp_release(code)
  }

  private func put(_ code: OpaquePointer, whereNowIs now: OpaquePointer, except glob: OpaquePointer, _ holders: Holders)
  {
    for slot in holders[now] ?? [] where slot.entry != glob { cp_put_code(slot.entry, code) }
  }

  private func relink(_ code: OpaquePointer, to other: OpaquePointer?, except glob: OpaquePointer, _ holders: Holders) {
    for slot in holders[code] ?? [] where slot.entry != glob { cp_patch_set_code(slot.entry, other) }
  }
}
