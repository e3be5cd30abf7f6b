for (const head of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.append(...head.childNodes);
  head.append(button);
  button.onclick = () => {
    const up = head.ariaSort !== "ascending", body = head.closest("table").tBodies[0];
    const key = row => row.cells[head.cellIndex].dataset.key;
    const order = (a, b) => key(a).localeCompare(key(b), "en", { numeric: true }) * (up ? 1 : -1);
    for (const other of head.parentNode.cells) other.ariaSort = null;
    head.ariaSort = up ? "ascending" : "descending";
    body.append(...[...body.rows].sort(order));
  };
}
