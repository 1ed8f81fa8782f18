// Lays rectangles out in a rectangle so that each is nearly square (Bruls, Huizing, van Wijk 2000).

// Returns `{node, x, y, w, h}` for the nodes with lines; nodes must be sorted by lines, largest first.
function squarify(nodes, x, y, w, h) {
  const placed = [];
  let total = 0;
  let end = 0;
  while (end < nodes.length && nodes[end].lines > 0) total += nodes[end++].lines;
  let start = 0;
  while (start < end && w > 0 && h > 0) {
    const scale = w * h / total;
    const side = Math.min(w, h);
    let row = 0;
    let sum = 0;
    let worst = Infinity;
    for (let next = start; next < end; next++) {
      const candidate = sum + nodes[next].lines;
      const ratio = worstRatio(nodes[start].lines * scale, nodes[next].lines * scale, candidate * scale, side);
      if (ratio > worst) break;
      worst = ratio;
      sum = candidate;
      row++;
    }
    const thickness = sum * scale / side;
    let along = 0;
    for (let index = start; index < start + row; index++) {
      const length = nodes[index].lines * scale / thickness;
      placed.push(w >= h
        ? { node: nodes[index], x, y: y + along, w: thickness, h: length }
        : { node: nodes[index], x: x + along, y, w: length, h: thickness });
      along += length;
    }
    if (w >= h) { x += thickness; w -= thickness; } else { y += thickness; h -= thickness; }
    total -= sum;
    start += row;
  }
  return placed;
}

function worstRatio(largest, smallest, sum, side) {
  const square = sum * sum;
  return Math.max(side * side * largest / square, square / (side * side * smallest));
}
