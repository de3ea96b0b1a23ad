// compare.js MODULES FOLDER ROWS COLS: run FOLDER/model.onnx on its rgb.f32 in ONNX Runtime and print, tap
// by tap, the largest difference from tapN.f32 as a share of the tap's largest value. Exit 1 above 1e-3.
'use strict';
const fs = require('fs');
const path = require('path');
const [modules, folder, rows, cols] = process.argv.slice(2);
const ort = require(path.join(modules, 'onnxruntime-node'));

function floats(name) {
    const bytes = fs.readFileSync(path.join(folder, name));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

async function main() {
    const session = await ort.InferenceSession.create(path.join(folder, 'model.onnx'));
    const rgb = new ort.Tensor('float32', floats('rgb.f32'), [1, 3, Number(rows), Number(cols)]);
    const taps = await session.run({rgb});
    let worst = 0;
    for (const name of ['tap0', 'tap1']) {
        const want = floats(name + '.f32'), got = taps[name].data;
        if (got.length !== want.length)
            throw new Error(`${name}: ${got.length} numbers (${taps[name].dims}), not ${want.length}`);
        let largest = 0, difference = 0;
        for (let i = 0; i < want.length; i++) {
            largest = Math.max(largest, Math.abs(want[i]));
            difference = Math.max(difference, Number.isFinite(got[i]) ? Math.abs(got[i] - want[i]) : Infinity);
        }
        if (!(largest > 0))
            throw new Error(`${name}: all zero`);
        console.log(`# ${path.basename(folder)} ${name}: ${(difference / largest).toExponential(1)} of ${largest.toPrecision(3)}`);
        worst = Math.max(worst, difference / largest);
    }
    process.exit(worst <= 1e-3 ? 0 : 1);
}

main().catch(error => {
    console.log('# ' + error.message.replace(/\n/g, ' '));
    process.exit(1);
});
