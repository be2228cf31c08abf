// Tells require.js where the local copy of anywidget lies: beside this file, on any host, below any path, from a disk.
// The widget manager asks a public CDN for everything it is not told about, so it is told about anywidget here.
requirejs.config({ paths: { anywidget: document.currentScript.src.replace(/anywidget-path\.js.*$/, "anywidget") } });
