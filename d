events.out.tfevents.1795955207.vm.32498.000000 0
0 1795955207.898 0 {"kind":"fileVersion","fileVersion":"brain.Event:2","writer":"polytrack"}
53 1795955207.898 0 {"kind":"sessionLog","status":1}
82 1700000000 0 {"kind":"summary","values":[{"tag":"a","metadata":{"pluginName":"scalars","dataClass":0},"value":{"kind":"tensor","tensor":{"dtype":2,"shape":[],"doubleVal":[0.5]}}}]}
143 1700000000.015625 2 {"kind":"summary","values":[{"tag":"a","metadata":{"pluginName":"scalars","dataClass":1}},{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[29.875]}}}]}
209 1700000000.03125 3 {"kind":"summary","values":[{"tag":"a","value":{"kind":"simpleValue","simpleValue":2}}]}
248 1700000000.046875 3 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[107.625]}}}]}
294 1700000000.0625 5 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[null]}}}]}
340 1700000000.078125 7 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[100]}}}]}
386 1700000000.09375 4 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[null]}}},{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[60.625]}}}]}
449 1700000000.109375 6 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[44.875]}}}]}
495 1700000000.125 8 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[44]}}},{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[30]}}}]}
558 1700000000.140625 10 {"kind":"summary","values":[{"tag":"a","value":{"kind":"simpleValue","simpleValue":83.625}}]}
597 1700000000.15625 11 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[24.5]}}}]}
643 1700000000.171875 12 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[117.25]}}}]}
689 1700000000.1875 7 {"kind":"summary","values":[{"tag":"a","value":{"kind":"tensor","tensor":{"dtype":1,"shape":[],"floatVal":[24.75]}}}]}
735 1700000000.203125 8 {"kind":"summary","values":[{"tag":"a","value":{"kind":"audio","audio":{"sampleRateHz":8000,"channels":1,"lengthFrames":1,"encoded":"16B","contentType":"audio/wav"}}}]}
damage [] 0
0 a 0 1700000000 form shown
1 a 2 1700000000.015625 noData noData
2 a 2 1700000000.015625 shown shown
3 a 3 1700000000.03125 order shown
4 a 3 1700000000.046875 shown shown
5 a 5 1700000000.0625 order shown
6 a 7 1700000000.078125 order shown
7 a 4 1700000000.09375 order shown
8 a 4 1700000000.09375 shown shown
9 a 6 1700000000.109375 shown shown
10 a 8 1700000000.125 order shown
11 a 8 1700000000.125 order shown
12 a 10 1700000000.140625 order shown
13 a 11 1700000000.15625 order shown
14 a 12 1700000000.171875 order shown
15 a 7 1700000000.1875 shown shown
16 a 8 1700000000.203125 kind misread
[] []
