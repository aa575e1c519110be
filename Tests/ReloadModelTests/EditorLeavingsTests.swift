import ReloadModel
import Testing

@Test(
  arguments: [
    ".App.pm.swp", ".App.pm.swo", ".App.pm.swx", ".App.pm.swpx", "4913", ".#App.pm", "#App.pm#", "App.pm~",
    "App.pm___jb_tmp___", "App.pm___jb_old___", ".App.pm.kate-swp", "sedX3kPqz", ".goutputstream-A1B2C3",
    ".subl3f9.tmp", ".nfs000000000123", ".fuse_hidden0001",
  ])
func editorsLeavingIsRecognised(name: String) {
  #expect(EditorLeavings.matches(name))
}

@Test(
  arguments: [
    "App.pm", "4914", "#", "#App.pm", "sedation", "sedatives", "sed", ".swp.pm", ".htaccess", "app.swp.pm", "x_", "",
    ".subl", "jb_tmp___.pm",
  ])
func ordinaryNameIsNoLeaving(name: String) {
  #expect(!EditorLeavings.matches(name))
}
