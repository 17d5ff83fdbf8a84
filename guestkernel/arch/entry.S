// SPDX-License-Identifier: Apache-2.0
//
// Every way into and out of the kernel, for both privilege modes.
//
// All of it is assembled once for each vCPU, with that vCPU's absolute addresses: so an entry needs no swapgs and no spare
// register. VP is the vCPU's abi::VcpuPage.
//
// Exceptions and the event vector always arrive on the vCPU's exception stack (IST 1 in supervisor mode, RSP0 in deprivileged
// mode), where nothing else ever lives; from there the frame is copied to the interrupted kernel stack, or to the current
// thread's when user mode was interrupted. In deprivileged mode the IDT leads to ring-0 stubs (SHIM), which do nothing but
// go on at CPL 3 in the same entry through a prepared IRETQ frame: each ring-0 instruction costs about a microsecond there.

#include "guestkernel/arch/entry.h"

#define VP(n) (VP_BASE + (n) * 4096)

// Offsets in abi::VcpuPage.
#define VP_PENDING 0
#define VP_KERNEL_CPL 4
#define VP_STACK_TOP 8
#define VP_USER_RSP 16
#define VP_SAVED_RAX 32
#define VP_CR2 40
#define VP_TEXT_BEGIN 96
#define VP_TEXT_END 104

#define TRAP_FRAME_SIZE 176
#define USER_CS 0x33
#define USER_DS 0x2b

        .macro PUSH_REST  // rax, rcx, rdx, rsi, rdi are pushed already
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        .endm

        .macro POP_ALL
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
        .endm

// Vectors that push an error code (SDM vol. 3, table 6-1).
        .macro HAS_ERROR_CODE v, result
        .if (\v == 8) || (\v >= 10 && \v <= 14) || (\v == 17) || (\v == 21)
        .set    \result, 1
        .else
        .set    \result, 0
        .endif
        .endm

// One exception entry: RSP is at the error code, or at RIP where there is none.
        .macro EXCEPTION_ENTRY n, v
        .balign 32
exception_entry_\n\()_\v:
        HAS_ERROR_CODE \v, has_error
        .if !has_error
        pushq   $-1
        .endif
        .if \v == 14
        // RAX holds CR2, its own value is in VP_SAVED_RAX (see the page-fault stubs).
        movq    %rax, VP(\n) + VP_CR2
        movq    VP(\n) + VP_SAVED_RAX, %rax
        .endif
        pushq   $\v
        jmp     exception_common_\n
        .endm

// Ring 0 in deprivileged mode.
        .macro SHIM_STUB n, v
        .balign 64
shim_stub_\n\()_\v:
        .if \v == 14
        movq    %rax, VP(\n) + VP_SAVED_RAX
        movq    %cr2, %rax
        .endif
        .if \v == 6
        // UD2 at this one address is the kernel's request for a CR3 load.
        cmpq    $shim_request, (%rsp)
        jne     1f
        movq    %rax, %cr3
        addq    $2, (%rsp)
        iretq
1:
        .endif
        movq    $shim_frame_\n\()_\v, %rsp
        iretq
        .endm

        .macro SHIM_FRAME n, v
        HAS_ERROR_CODE \v, has_error
shim_frame_\n\()_\v:
        .quad   exception_entry_\n\()_\v
        .quad   USER_CS
        .quad   0x202
        .quad   exception_stack_top_\n - 40 - 8 * has_error
        .quad   USER_DS
        .endm

        .macro VCPU_ENTRIES n
// ---- system calls. RCX = user RIP, R11 = user RFLAGS.
        .balign 64
syscall_entry_deprivileged_\n:
        movq    %rsp, VP(\n) + VP_USER_RSP
        movl    %cs, %esp
        testb   $3, %spl
        jnz     syscall_on_stack_\n
        // This host did enter ring 0: go on at CPL 3.
        movq    $syscall_drop_frame_\n, %rsp
        iretq
syscall_entry_supervisor_\n:
        movq    %rsp, VP(\n) + VP_USER_RSP
syscall_on_stack_\n:
        movq    VP(\n) + VP_STACK_TOP, %rsp
        pushq   $USER_DS
        pushq   VP(\n) + VP_USER_RSP
        pushq   %r11
        pushq   $USER_CS
        pushq   %rcx
        pushq   %rax
        pushq   $0x100
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        PUSH_REST
        movq    %rsp, %rdi
        call    SyscallDispatch

// ---- the way out. The frame stays intact until IRETQ, so the VMM may restart this from anywhere inside.
        .balign 16
exit_restart_\n:
        movq    VP(\n) + VP_STACK_TOP, %rsp
        subq    $TRAP_FRAME_SIZE, %rsp
        cmpl    $0, VP(\n) + VP_PENDING
        jne     exit_work_\n
        POP_ALL
        addq    $16, %rsp
        iretq
exit_restart_end_\n:
exit_work_\n:
        movq    %rsp, %rdi
        call    PrepareUserReturn
        jmp     exit_restart_\n

// ---- exceptions and events
        .balign 16
exception_common_\n:
        cld
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        movq    %rsp, %rax      // rdx 0, rcx 8, rax 16, vector 24, error 32, rip 40, cs 48, rflags 56, rsp 64, ss 72
        movq    40(%rax), %rcx
        movl    48(%rax), %edx
        andl    $3, %edx
        cmpl    VP(\n) + VP_KERNEL_CPL, %edx
        jne     1f
        cmpq    VP(\n) + VP_TEXT_BEGIN, %rcx
        jb      1f
        cmpq    VP(\n) + VP_TEXT_END, %rcx
        jae     1f
        movq    64(%rax), %rsp
        andq    $-16, %rsp
        movl    $0, %edx
        jmp     2f
1:      movq    VP(\n) + VP_STACK_TOP, %rsp
        movl    $1, %edx
2:      pushq   72(%rax)
        pushq   64(%rax)
        pushq   56(%rax)
        pushq   48(%rax)
        pushq   %rcx
        pushq   32(%rax)
        pushq   24(%rax)
        pushq   %rdi
        pushq   %rsi
        pushq   0(%rax)
        pushq   8(%rax)
        pushq   16(%rax)
        PUSH_REST
        movl    %edx, %ebx
        movl    %edx, %esi
        movq    %rsp, %rdi
        movq    VP(\n) + VP_CR2, %rdx
        call    TrapDispatch
        testl   %ebx, %ebx
        jnz     exit_restart_\n
        // Back into the kernel: same level in either mode, whatever CS the frame was saved with.
        movq    %rsp, %rdi
        jmp     ResumeKernel
        .endm

        .text
        .irp    n, ENTRY_VCPUS
        VCPU_ENTRIES \n
        .irp    v, EXCEPTION_VECTORS
        EXCEPTION_ENTRY \n, \v
        .endr
        .irp    v, EXCEPTION_VECTORS
        SHIM_STUB \n, \v
        .endr
        // Supervisor mode: the page-fault entry wants what its shim stub prepares.
        .balign 16
supervisor_page_fault_\n:
        movq    %rax, VP(\n) + VP_SAVED_RAX
        movq    %cr2, %rax
        jmp     exception_entry_\n\()_14
        .endr

// The kernel's own requests ------------------------------------------------

// void SetRoot(uint64_t gpa): CR3 load, which also flushes the TLB.
        .globl  SetRoot
SetRoot:
        cmpl    $0, VP(0) + VP_KERNEL_CPL
        jne     1f
        movq    %rdi, %cr3
        ret
1:      movq    %rdi, %rax
shim_request:
        ud2
        ret

// [[noreturn]] void ResumeKernel(TrapFrame*): returns into interrupted kernel code on its own stack.
ResumeKernel:
        movq    160(%rdi), %rdx     // rsp
        subq    $16, %rdx
        movq    136(%rdi), %rax     // rip
        movq    %rax, 8(%rdx)
        movq    152(%rdi), %rax     // rflags
        movq    %rax, 0(%rdx)
        movq    %rdx, 120(%rdi)     // in place of the vector: next after the registers
        movq    %rdi, %rsp
        POP_ALL
        movq    0(%rsp), %rsp
        popfq
        ret

// void SwitchStack(uint64_t* save_rsp, uint64_t load_rsp)
        .globl  SwitchStack
SwitchStack:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

// First code of a new kernel thread: entry in RBX, argument in RBP.
        .globl  ThreadStart
ThreadStart:
        movq    %rbp, %rdi
        xorl    %ebp, %ebp
        call    *%rbx
        ud2

// [[noreturn]] void ReturnToUser()
        .globl  ReturnToUser
ReturnToUser:
        movq    VP(0) + VP_STACK_TOP, %rsp
        subq    $TRAP_FRAME_SIZE, %rsp
        jmp     exit_work_0

// The first instruction of the kernel: on the boot stack, RDI and all else undefined.
        .globl  kernel_entry
kernel_entry:
        leaq    boot_stack_top, %rsp
        xorl    %ebp, %ebp
        call    KernelMain
        ud2

// User memory -----------------------------------------------------------------
// Each row of the fix-up table: an instruction that may fault on a user address, and where to go on then.
        .macro  FIXUP at, to
        .pushsection .fixup_table, "a"
        .quad   \at, \to
        .popsection
        .endm

// uint64_t UserCopyAsm(void* to, const void* from, uint64_t n): bytes NOT copied.
        .globl  UserCopyAsm
UserCopyAsm:
        movq    %rdx, %rcx
1:      rep movsb
2:      movq    %rcx, %rax
        ret
        FIXUP   1b, 2b

// uint64_t UserZeroAsm(void* to, uint64_t n): bytes not zeroed.
        .globl  UserZeroAsm
UserZeroAsm:
        movq    %rsi, %rcx
        xorl    %eax, %eax
1:      rep stosb
2:      movq    %rcx, %rax
        ret
        FIXUP   1b, 2b

// int64_t UserCmpxchg32Asm(uint32_t* at, uint32_t expected, uint32_t desired): the old value, or -1.
        .globl  UserCmpxchg32Asm
UserCmpxchg32Asm:
        movl    %esi, %eax
1:      lock cmpxchgl %edx, (%rdi)
        movl    %eax, %eax
        ret
2:      movq    $-1, %rax
        ret
        FIXUP   1b, 2b

// int64_t UserXchg32Asm(uint32_t* at, uint32_t value), UserXadd32Asm, UserLoad32Asm: the old value, or -1.
        .globl  UserXchg32Asm
UserXchg32Asm:
1:      xchgl   %esi, (%rdi)
        movl    %esi, %eax
        ret
2:      movq    $-1, %rax
        ret
        FIXUP   1b, 2b
        .globl  UserXadd32Asm
UserXadd32Asm:
1:      lock xaddl %esi, (%rdi)
        movl    %esi, %eax
        ret
2:      movq    $-1, %rax
        ret
        FIXUP   1b, 2b
        .globl  UserLoad32Asm
UserLoad32Asm:
1:      movl    (%rdi), %eax
        ret
2:      movq    $-1, %rax
        ret
        FIXUP   1b, 2b

// int UserXsaveAsm(void* area, uint64_t mask), UserXrstorAsm: 0, or -1 on a fault or a bad image.
        .globl  UserXsaveAsm
UserXsaveAsm:
        movl    %esi, %eax
        movq    %rsi, %rdx
        shrq    $32, %rdx
1:      xsave64 (%rdi)
        xorl    %eax, %eax
        ret
2:      movl    $-1, %eax
        ret
        FIXUP   1b, 2b
        .globl  UserXrstorAsm
UserXrstorAsm:
        movl    %esi, %eax
        movq    %rsi, %rdx
        shrq    $32, %rdx
1:      xrstor64 (%rdi)
        xorl    %eax, %eax
        ret
2:      movl    $-1, %eax
        ret
        FIXUP   1b, 2b

// What the VMM needs, by symbol -------------------------------------------------
        .section .rodata.vmm, "a"
        .balign 8
        .macro  ENTRY_ROW n
        .quad   syscall_entry_supervisor_\n, syscall_entry_deprivileged_\n
        .quad   exit_restart_\n, exit_restart_end_\n, exception_stack_top_\n
        .endm
        .globl  crvm_vcpu_entries
crvm_vcpu_entries:
        .irp    n, ENTRY_VCPUS
        ENTRY_ROW \n
        .endr
// For each vCPU and vector: the gate's target in supervisor mode, and in deprivileged mode.
        .globl  crvm_gates
crvm_gates:
        .irp    n, ENTRY_VCPUS
        .irp    v, EXCEPTION_VECTORS
        .if \v == 14
        .quad   supervisor_page_fault_\n
        .else
        .quad   exception_entry_\n\()_\v
        .endif
        .quad   shim_stub_\n\()_\v
        .endr
        .endr

        .data
        .balign 16
        .irp    n, ENTRY_VCPUS
syscall_drop_frame_\n:
        .quad   syscall_on_stack_\n, USER_CS, 0x202, 0, USER_DS
        .irp    v, EXCEPTION_VECTORS
        SHIM_FRAME \n, \v
        .endr
        .endr

        .bss
        .balign 4096
        .irp    n, ENTRY_VCPUS
        .skip   4096
exception_stack_top_\n:
        .endr
        .balign 32768
boot_stack:
        .skip   32768
boot_stack_top:
        .section .note.GNU-stack,"",@progbits
