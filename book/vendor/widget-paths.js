// Tells the widget manager where its companions lie: beside this file, on any host, below any path, from a disk.
// For what it is not told about it asks a public host: so it is told about anywidget. The two other entries are never
// loaded (embed-amd.js brings them along), but the manager looks for its icon fonts in the folder of their address.
(() => {
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  requirejs.config({
    paths: {
      anywidget: folder + "anywidget",
      "@jupyter-widgets/html-manager": folder + "embed-amd",
      "@jupyter-widgets/html-manager/dist/libembed-amd": folder + "embed-amd",
    },
  });
})();
