// Loaded before everything else. The theme's FontAwesome replaces <i> by <svg>, which breaks ipywidgets' Play button
// and every link chained to it; nesting the <svg> inside the <i> keeps both alive.
window.FontAwesomeConfig = { autoReplaceSvg: "nest" };
