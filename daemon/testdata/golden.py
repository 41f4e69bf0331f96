"""Computes the golden infohash and manifest digest of TestPublishIsDeterministic with Python's hashlib and b3sum alone."""
import hashlib,subprocess,tempfile,os
def pattern(seed,n):
    b=bytearray(n); x=(seed*2654435761+1)&0xffffffff
    for i in range(n):
        x^=(x<<13)&0xffffffff; x^=x>>17; x^=(x<<5)&0xffffffff
        b[i]=x&0xff
    return bytes(b)
files={"config.json":b'{"model_type": "none"}\n',"weights/a.bin":pattern(1,3<<20),"weights/b.bin":pattern(2,17<<10),"weights/empty.bin":b"","weights.txt":b"two files and an empty one\n"}
def b3(b): return bytes.fromhex(subprocess.run(["b3sum","--no-names"],input=b,capture_output=True,check=True).stdout.decode().split()[0])
def be(o):
    if isinstance(o,int): return b"i%de"%o
    if isinstance(o,str): o=o.encode()
    if isinstance(o,bytes): return b"%d:%s"%(len(o),o)
    if isinstance(o,list): return b"l"+b"".join(map(be,o))+b"e"
    return b"d"+b"".join(be(k)+be(o[k]) for k in sorted(o,key=lambda k:k.encode()))+b"e"
names=sorted(files,key=lambda s:s.encode())
allb=b"".join(files[n] for n in names); pl=1<<20
info={"blake3":b"".join(b3(files[n]) for n in names),"files":[{"length":len(files[n]),"path":n.split("/")} for n in names],"name":"small","piece length":pl,"pieces":b"".join(hashlib.sha1(allb[i:i+pl]).digest() for i in range(0,len(allb),pl))}
print(hashlib.sha1(be(info)).hexdigest())
m="samara manifest 1\n"+"".join(f"{b3(files[n]).hex()} {len(files[n])} {n}\n" for n in names)
print(b3(m.encode()).hex())
