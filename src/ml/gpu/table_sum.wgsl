// Sums of table lookups, one invocation a row. Everything is a whole number: codes, cuts, indices, and 64-bit fixed-point
// values in two words. So the order of additions does not matter, and every device gives the same bits.

struct Sizes {
    rows: u32,
    // Rows that the buffers have room for.
    room: u32,
    units: u32,
    // Where this dispatch begins, in rows.
    first: u32,
}

// column, cut or first word of a set, words of the set (0: a cut), bit | wanted side << 8 | side of missing values << 9
@group(0) @binding(0) var<storage, read> conditions: array<vec4<u32>>;
// first condition, end of conditions, first target, end of targets
@group(0) @binding(1) var<storage, read> units: array<vec4<u32>>;
// first value of the unit's table, bits of its index
@group(0) @binding(2) var<storage, read> places: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> sets: array<u32>;
@group(0) @binding(5) var<storage, read> values: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read> codes: array<u32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2<u32>>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

const MISSING: u32 = 0xffffffffu;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = sizes.first + id.x;
    if row >= sizes.rows {
        return;
    }
    for (var u = 0u; u < sizes.units; u++) {
        let unit = units[u];
        let place = places[u];
        var index = (1u << place.y) - 1u;
        for (var c = unit.x; c < unit.y; c++) {
            let condition = conditions[c];
            let code = codes[condition.x * sizes.room + row];
            var left = code <= condition.y;
            if condition.z > 0u {
                let word = code >> 5u;
                left = false;
                if word < condition.z {
                    left = ((sets[condition.y + word] >> (code & 31u)) & 1u) == 1u;
                }
            }
            if code == MISSING {
                left = ((condition.w >> 9u) & 1u) == 1u;
            }
            if left != (((condition.w >> 8u) & 1u) == 1u) {
                index &= ~(1u << (condition.w & 255u));
            }
        }
        let count = unit.w - unit.z;
        for (var t = 0u; t < count; t++) {
            let value = values[place.x + index * count + t];
            let at = targets[unit.z + t] * sizes.room + row;
            let sum = sums[at];
            let low = sum.x + value.x;
            sums[at] = vec2<u32>(low, sum.y + value.y + select(0u, 1u, low < value.x));
        }
    }
}
