// usage: node ort.js MODULES MODEL SIDE SECONDS
// Pictures a second of ONNX Runtime on two threads, as one session of two threads and as two sessions of one: by the
// clock, and by the processor time that two threads would have used.
"use strict";
const [modules, model, side, seconds] = process.argv.slice(2);
const ort = require(require.resolve("onnxruntime-node", {paths: [modules]}));

const n = Number(side);
const rgb = Float32Array.from({length: 3 * n * n}, (_, i) => (i * 2654435761 >>> 8) % 256);
const feed = {rgb: new ort.Tensor("float32", rgb, [1, 3, n, n])};

function open(threads) {
    return ort.InferenceSession.create(model, {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
    });
}

async function rate(sessions) {
    for (let i = 0; i < 4; i++)
        await Promise.all(sessions.map(s => s.run(feed)));
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint(), end = start + BigInt(Math.round(Number(seconds) * 1e9));
    let count = 0;
    await Promise.all(sessions.map(async s => {
        while (process.hrtime.bigint() < end) {
            await s.run(feed);
            count++;
        }
    }));
    const used = process.cpuUsage(cpu);
    return [count / (Number(process.hrtime.bigint() - start) / 1e9), 2 * count / ((used.user + used.system) / 1e6)];
}

(async () => {
    const sessions = {ort_one: [await open(2)], ort_two: [await open(1), await open(1)]};
    for (const name in sessions)
        console.log(name, (await rate(sessions[name])).map(r => r.toFixed(2)).join(" "));
})();
